// A Transport without a network: a test says what each request is answered, and reads what was sent.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fpt_webhooks/sender/transport.hpp>
#include <fpt_webhooks/testing_sender/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// Keeps the contract of Transport: `done` exactly once, never inside start() or cancel(), `cancelled` at the latest in
// the destructor. May be shared between threads. Destroy it on none of its own threads, and not inside run().
class FPT_WEBHOOKS_TESTING_SENDER_EXPORT ScriptedTransport final : public Transport {
  public:
    // What to answer to a request; nothing: it hangs until it is cancelled. Called in the order of the starts, on the
    // thread that completes, without a lock held.
    using Script = std::function<std::optional<TransportOutcome>(const TransportRequest&)>;

    enum class Mode {
        own_thread,  // completes at once on a thread of its own: for code that waits
        by_run,      // completes inside run(): for tests that go step by step on one thread
    };

    explicit ScriptedTransport(Script script, Mode mode = Mode::own_thread);
    ~ScriptedTransport() override;

    // Outcomes for scripts.
    [[nodiscard]] static TransportOutcome respond(int status, Headers headers = {}, std::string body = {});
    [[nodiscard]] static TransportOutcome fail(Errc code);

    // Errors: refused_by_policy and malformed from the policy's check of the URL, invalid_argument (no policy, a header
    // that cannot be sent, no method, no completion), overloaded (see set_slots).
    [[nodiscard]] Result<Token> start(TransportRequest request, Completion done) override;
    void cancel(Token token) override;

    // Completes on this thread what was started or cancelled, and what those completions start, until nothing is left
    // but what hangs. Returns how many. For Mode::by_run; in the other mode there is nothing for it to do.
    std::size_t run();

    // Attempts at the same time; one more is `overloaded`. Default: no limit.
    void set_slots(std::size_t slots);

    // Every request that was accepted, in the order of the starts.
    [[nodiscard]] std::vector<TransportRequest> requests() const;

    // Started and not completed, hanging ones included.
    [[nodiscard]] std::size_t in_flight() const;

  private:
    struct Attempt {
        Token token = 0;
        TransportRequest request;
        Completion done;
    };

    enum class Step { idle, hung, completed };

    Step take_step();
    void serve();

    const Script script_;
    const Mode mode_;
    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::deque<Attempt> waiting_;    // to be answered by the script
    std::deque<Attempt> hanging_;    // the script gave no answer
    std::deque<Attempt> cancelled_;  // to be completed as such
    std::map<Token, bool> asking_;   // the script is being asked; true: cancelled meanwhile
    std::vector<TransportRequest> requests_;
    std::size_t slots_ = std::numeric_limits<std::size_t>::max();
    Token last_token_ = 0;
    bool stopping_ = false;
    std::thread thread_;  // own_thread only
};

}  // namespace fpt_webhooks::inline v0_1::testing
