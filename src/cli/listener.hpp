// Answers the requests that `listen` gets: as a receiver does, or worse, as told.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <fpt_webhooks/core/verifier.hpp>
#include <fpt_webhooks/receiver/receiver.hpp>
#include <fpt_webhooks/testing/exchange.hpp>

#include "cli/arrival.hpp"
#include "cli/console.hpp"
#include "cli/stop.hpp"

namespace fpt_webhooks::cli {

// explain() costs far more than a refusal: of more than this many in ten seconds the rest goes without.
inline constexpr int explanations_max = 10;

struct ListenerOptions {
    Profile profile = Profile::fpt;
    std::vector<TimedSecret> secrets = {};

    // Of what is verified and fresh the first so many fail, or all if there is a status that is no 2xx and this is 0.
    std::uint64_t fail_first = 0;
    std::optional<int> status = {};      // of the answers that fail (else 500), or of those that do not
    std::chrono::milliseconds delay{0};  // before each answer

    // To forward_url: whatever is verified goes there, and status and Retry-After come back.
    testing::Exchange forward = nullptr;
    std::string forward_url = {};
    std::string record_folder = {};  // which is there; a file for each request, with what it holds of people
    std::uint64_t count = 0;         // then `stop` is requested; 0: never
};

// Shared by the server's threads.
class Listener {
  public:
    // Throws Failure. `console` and `stop` outlive it.
    Listener(ListenerOptions options, Console& console, Stop& stop);

    [[nodiscard]] HttpResponse answer(const HttpRequest& request);

    // Ends it: a record or a line could not be written.
    void fail(std::exception_ptr failure);
    // The first one, or null.
    [[nodiscard]] std::exception_ptr failure() const;

    // "requests: 3 (1 fresh, 1 duplicate, 1 not verified, 0 otherwise refused)"
    [[nodiscard]] std::string summary() const;

  private:
    [[nodiscard]] HttpResponse receive(Arrival& arrival);
    void record(Arrival& arrival);
    void observe(const HandleReport& report) const;
    [[nodiscard]] Result<void> work();
    void forward(Arrival& arrival) const;
    [[nodiscard]] bool may_explain();

    const ListenerOptions options_;
    Console& console_;
    Stop& stop_;
    std::unique_ptr<Receiver> receiver_;
    std::atomic<std::uint64_t> arrived_ = 0;
    std::atomic<std::uint64_t> answered_ = 0;
    std::atomic<std::uint64_t> worked_ = 0;

    mutable std::mutex mutex_;
    std::exception_ptr failure_;
    std::chrono::steady_clock::time_point explained_since_ = {};
    int explained_ = 0;
};

}  // namespace fpt_webhooks::cli
