// The threads of a server: httplib's own pool aborts the process when the system has no more of them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <httplib.h>

namespace fpt_webhooks::cli {

class Workers final : public httplib::TaskQueue {
  public:
    // Throws std::system_error when there are not so many threads, and then leaves none behind.
    explicit Workers(std::size_t count);
    ~Workers() override { Workers::shutdown(); }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    void enqueue(std::function<void()> task) override;
    // What was enqueued is still done.
    void shutdown() override;

  private:
    void work();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> tasks_;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace fpt_webhooks::cli
