// A bounded set of threads for handlers that have a deadline; started when needed, reused, never more than allowed.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1::detail {

class PoolJob {
  public:
    virtual ~PoolJob() = default;
    virtual void work() noexcept = 0;
};

// May be shared between threads.
class HandlerPool {
  public:
    explicit HandlerPool(std::size_t threads_max) : threads_max_(threads_max) {}
    HandlerPool(const HandlerPool&) = delete;
    HandlerPool& operator=(const HandlerPool&) = delete;
    ~HandlerPool();  // waits for all that was submitted

    // Never blocks. Whoever submits waits for the job, and withdraws it when tired of that: so the queue holds no more
    // than there are requests. Errors: local_failure when not even a first thread is to be had.
    [[nodiscard]] Result<void> submit(std::shared_ptr<PoolJob> job);

    // True: no thread had begun it, and none will.
    [[nodiscard]] bool withdraw(const PoolJob& job);

  private:
    void run() noexcept;

    const std::size_t threads_max_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::shared_ptr<PoolJob>> queue_;
    std::vector<std::thread> threads_;
    std::size_t idle_ = 0;
    bool stopping_ = false;
};

}  // namespace fpt_webhooks::inline v0_1::detail
