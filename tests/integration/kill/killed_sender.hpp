// The parent's side of the kill tests: endpoints that survive, the sender process, and the account of what it promised.
#pragma once

#include <fpt_webhooks/receiver.hpp>

#include <sys/types.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "integration/kill/series.hpp"
#include "integration/kill/steps.hpp"
#include "support/certificates.hpp"
#include "support/server.hpp"
#include "support/temporary_file.hpp"

namespace fpt_webhooks::test {

// What went wrong, in words; kept in a small number.
class Violations {
  public:
    void add(std::string what);
    [[nodiscard]] std::vector<std::string> all() const;

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> seen_;
};

// One subscription's endpoint: a real server, a Receiver with its dedupe, and what arrived.
class WatchedEndpoint {
  public:
    WatchedEndpoint(std::size_t index, Violations& violations);

    [[nodiscard]] std::string url() const { return server_->url("127.0.0.1"); }

    // `is_current`: the store has it; else it may come into force at any time from now on.
    void learn(const std::string& secret, bool is_current);

    // Every event that it was promised has been handled exactly once.
    void check(std::size_t producer, std::uint64_t acked);
    // Of the endpoint that observed contacts are told to: what they came to has been handled exactly once.
    void check_contacts(std::uint64_t seen);
    [[nodiscard]] std::size_t arrivals() const;
    [[nodiscard]] std::size_t repeated() const;

  private:
    struct Arrived {
        unsigned arrivals = 0;
        unsigned handled = 0;
        unsigned failed = 0;
    };
    // What an event tells of an observed contact.
    struct Told {
        std::uint64_t contact = 0;
        std::string type = {};
        Timestamp time = {};
        friend auto operator<=>(const Told&, const Told&) = default;
    };
    [[nodiscard]] static std::optional<Told> told_by(const Envelope& event);
    void serve(Connection& connection);
    HttpResponse answer(const HttpRequest& request);
    HttpResponse answer_told(const HttpRequest& request);
    HttpResponse ask_receiver(const HttpRequest& request, const std::string& what);
    bool fails_now(std::uint64_t number, Arrived& arrived);
    Result<void> handle(const EventView& event);

    const std::size_t index_;
    Violations& violations_;
    const std::shared_ptr<DedupeStore> dedupe_;
    mutable std::mutex mutex_;
    std::vector<std::string> secrets_;
    std::shared_ptr<const Receiver> receiver_;
    std::array<std::map<std::uint64_t, Arrived>, producers> arrived_;
    std::map<Told, Arrived> told_;
    std::unique_ptr<Server> server_;  // last: its threads use the rest
};

// Starts the sender process, whose messages go through `socket`.
[[nodiscard]] pid_t spawn_sender(std::vector<std::string> arguments, int socket);

enum class Disk { real, power_fails, power_fails_and_some_survives };

class KilledSender {
  public:
    explicit KilledSender(Disk disk);
    ~KilledSender();

    struct Life {
        std::optional<Step> fatal = {};  // dies there, at the hit-th time
        std::uint64_t hit = 1;
        std::optional<std::chrono::milliseconds> killed_after = {};  // from its start
        std::size_t acknowledgements = 60;                           // then it is told to stop
        bool drains = false;
        std::function<void()> meanwhile = {};  // is called when it is up
    };
    enum class Death { at_step, by_us, none };
    // One life of the process, to its end.
    Death live(const Life& life);

    // After a life that drained: is everything as promised?
    void check();

    [[nodiscard]] const StepCounters& counters() const { return *counters_; }
    [[nodiscard]] Violations& violations() { return violations_; }
    [[nodiscard]] std::string summary() const;
    [[nodiscard]] std::string database() const { return (folder_ / "disk" / "webhooks.db").string(); }

  private:
    void subscribe();
    void restore();
    void listen(int socket);
    void obey(int socket, const std::string& message);
    [[nodiscard]] std::vector<std::string> arguments(const Life& life) const;
    void check_history();

    const Disk disk_;
    std::filesystem::path folder_;
    StepCounters* counters_ = nullptr;
    Violations violations_;
    TemporaryFile authorities_;
    std::vector<std::unique_ptr<WatchedEndpoint>> endpoints_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t acknowledged_ = 0;  // in this life
    bool ended_ = false;            // its socket is closed
    bool up_ = false;
    bool drained_ = false;
    bool done_ = false;
    std::array<std::uint64_t, producers> acked_{};
    std::array<std::uint64_t, producers> tried_{};
    std::uint64_t see_ = 0;  // changes to contacts: begun
    std::uint64_t seen_ = 0;
    std::size_t lives_ = 0;
};

}  // namespace fpt_webhooks::test
