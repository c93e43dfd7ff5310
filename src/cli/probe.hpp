// Asks a dispatcher how it is, without hanging when it hangs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <fpt_webhooks/sender/dispatcher.hpp>

namespace fpt_webhooks::cli {

inline constexpr std::chrono::seconds probe_answer_max{3};  // who asks has a time limit too, ten seconds as a rule

// May be shared between threads.
class Probe {
  public:
    explicit Probe(std::shared_ptr<Store> store);
    ~Probe();
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

    // From now on this one, started just now. `stalled_after`: as long may deliveries be due and nothing move.
    void watch(std::shared_ptr<Dispatcher> dispatcher, std::chrono::milliseconds stalled_after);
    // Until then nothing starts any more, and this is why.
    void hold(std::string why);

    struct Answer {
        std::optional<DispatcherMetrics> metrics = {};
        std::string trouble = {};  // why it makes no progress; "": it does
    };
    // Within probe_answer_max.
    [[nodiscard]] Answer ask();

  private:
    struct Watched {
        std::shared_ptr<Dispatcher> dispatcher = {};
        std::chrono::milliseconds stalled_after{};
        std::uint64_t finished = 0;                              // attempts and deliveries, when we last looked
        std::chrono::steady_clock::time_point finished_at = {};  // when that number last changed, as far as we saw
    };

    void run();
    [[nodiscard]] Answer examine(Watched& watched) const;

    const std::shared_ptr<Store> store_;

    std::mutex mutex_;  // of everything below
    std::condition_variable changed_;
    std::shared_ptr<Watched> watched_;
    std::string held_;  // "": it is not
    bool leaving_ = false;
    std::uint64_t asked_ = 0;
    std::uint64_t answered_ = 0;  // questions up to this one
    Answer answer_;

    std::thread thread_;  // the one that may hang; all who ask meanwhile wait for the same answer
};

}  // namespace fpt_webhooks::cli
