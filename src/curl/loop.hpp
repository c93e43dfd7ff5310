// One thread, one libcurl multi handle, and the attempts on it.
//
// A transport has one loop; lanes whose endpoint hangs can get a second one without a change here.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/sender/resolver.hpp>
#include <fpt_webhooks/sender/transport.hpp>

#include "core/fork.hpp"
#include "curl/exchange.hpp"
#include "curl/pins.hpp"
#include "curl/poller.hpp"

namespace fpt_webhooks::inline v0_1::detail {

struct LoopOptions {
    ExchangeSettings exchange = {};
    std::size_t in_flight_max = 0;
    std::size_t idle_connections_max = 0;
    std::shared_ptr<Resolver> resolver = nullptr;
    std::shared_ptr<const Clock> clock = nullptr;
};

class Loop : public std::enable_shared_from_this<Loop> {
  public:
    using Token = Transport::Token;
    using Completion = Transport::Completion;

    // Errors: local_failure.
    [[nodiscard]] static Result<std::shared_ptr<Loop>> create(LoopOptions options);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // As the transport's. From any thread.
    [[nodiscard]] Result<Token> start(TransportRequest request, Completion done);
    void cancel(Token token);

    // Completes everything with `cancelled` and ends the thread; waits for it unless called on it. Once.
    void stop();

  private:
    using TimePoint = std::chrono::steady_clock::time_point;
    using SlotNumber = std::uint32_t;

    enum class Stage { free, submitted, resolving, transferring };

    // An attempt's place, kept for the next one with all its memory. Owned by who took it from the free list until it
    // is in the inbox, by the loop's thread from then on; `token` and `cancel_asked` by everybody.
    struct Slot {
        std::atomic<Token> token{0};         // 0: free
        std::atomic<Token> cancel_asked{0};  // the token, so that a late cancel of an earlier attempt changes nothing
        Stage stage = Stage::free;
        std::optional<Target> target;
        TransportRequest request;
        Completion done;
        std::unique_ptr<Exchange> exchange;
        TimePoint started{};
        TimePoint transfer_started{};
        TimePoint resolve_deadline{};
        Pins::Pin* pin = nullptr;
        std::uint64_t pin_version = 0;
    };

    struct Answer {
        std::string host;
        Result<std::vector<IpAddress>> addresses;
    };

    // Work from other threads. Bounded: submitted and cancelled by the slots, answers by one question per host.
    struct Inbox {
        std::vector<SlotNumber> submitted;
        std::vector<Token> cancelled;
        std::vector<Answer> answers;
    };

    explicit Loop(LoopOptions options);
    [[nodiscard]] Result<void> open();
    [[nodiscard]] Result<void> equip(Slot& slot);
    [[nodiscard]] bool on_loop_thread() const noexcept;

    // This is a child that a completion forked: nothing here may be touched any more.
    [[nodiscard]] bool abandoned() const noexcept;

    // Any thread.
    [[nodiscard]] Result<SlotNumber> take_slot();
    void return_slot(SlotNumber number) noexcept;
    [[nodiscard]] bool submit(SlotNumber number, Token token);
    [[nodiscard]] Result<void> aim(Slot& slot, const TransportRequest& request);
    void wake();
    void receive(std::string host, Result<std::vector<IpAddress>> addresses) noexcept;

    // The loop's thread.
    void run() noexcept;
    void turn();
    void read_inbox();
    void begin(SlotNumber number) noexcept;
    void resolve(SlotNumber number);
    void take_answer(Answer answer);
    void use_addresses(SlotNumber number, const Result<std::vector<IpAddress>>& addresses) noexcept;
    void transfer(SlotNumber number, std::vector<std::string> pins);
    void expire_questions();
    void stop_waiting(SlotNumber number) noexcept;
    void reap();
    void abort(SlotNumber number, Error error) noexcept;
    void fail_later(SlotNumber number, Error error) noexcept;
    void finish(SlotNumber number, TransportOutcome outcome) noexcept;
    void complete_failed();
    bool run_due_timer();  // true: libcurl was called
    [[nodiscard]] int wait_ms() const;
    void end_all() noexcept;

    struct Callbacks;

    const LoopOptions options_;
    const std::uint64_t generation_ = fork_generation();
    Poller poller_;
    CURLM* multi_ = nullptr;
    std::thread thread_;
    std::atomic<std::thread::id> thread_id_{};
    std::atomic<Token> next_token_{0};
    std::vector<std::unique_ptr<Slot>> slots_;

    std::mutex mutex_;  // guards the next three; never held across a call to anybody's code
    std::vector<SlotNumber> free_;
    Inbox inbox_;
    bool stopping_ = false;
    std::atomic<bool> wake_pending_{false};

    // The loop's thread only.
    Inbox reading_;  // swapped with inbox_, so that neither allocates in the long run
    std::unordered_map<std::string, std::vector<SlotNumber>> questions_;  // at most one per host is under way
    std::set<std::pair<TimePoint, SlotNumber>> question_deadlines_;
    const std::string* asking_ = nullptr;  // set while the resolver is called: it may answer at once
    std::optional<Result<std::vector<IpAddress>>> answered_at_once_;
    std::vector<std::pair<SlotNumber, Error>> failed_;  // attempts that failed inside start(): completed soon after
    Pins pins_;
    std::optional<TimePoint> timer_;  // when libcurl wants to be called
};

}  // namespace fpt_webhooks::inline v0_1::detail
