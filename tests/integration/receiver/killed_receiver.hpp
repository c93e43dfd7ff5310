// The parent's side: the receiver process, a sender that repeats what was not answered 200, and the account of effects.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "integration/receiver/receiver_steps.hpp"
#include "support/temporary_folder.hpp"

namespace fpt_webhooks::test {

// Those of the receiver, then disk_steps.
inline constexpr std::size_t all_step_count = receiver_step_count + disk_steps.size();
[[nodiscard]] const char* name_of_step(std::size_t step);

// One process and the socket to it.
class ReceiverProcess {
  public:
    explicit ReceiverProcess(const std::vector<std::string>& arguments);
    ReceiverProcess(const ReceiverProcess&) = delete;
    ReceiverProcess& operator=(const ReceiverProcess&) = delete;
    ~ReceiverProcess();

    // False: it is dead.
    bool send(std::uint64_t number);
    struct Answer {
        std::uint64_t number = 0;
        int status = 0;
    };
    [[nodiscard]] std::optional<Answer> receive();
    // No more requests; waits for its end. True: killed.
    bool end();

  private:
    pid_t process_ = 0;
    int socket_ = -1;
};

class KilledReceiver {
  public:
    explicit KilledReceiver(std::string mode);
    ~KilledReceiver();

    // One life: dies at the hit-th passage of the step, or ends when that many events have been answered. True: died.
    bool live(std::optional<std::size_t> fatal, std::uint64_t hit, std::size_t events);

    // Repeats every event that was ever sent; each must be answered 200.
    void send_all_again();

    [[nodiscard]] std::uint64_t sent() const { return next_ - 1; }
    [[nodiscard]] std::map<std::int64_t, int> effects() const;
    [[nodiscard]] std::uint64_t passed(std::size_t step) const;
    [[nodiscard]] std::uint64_t died(std::size_t step) const;
    [[nodiscard]] std::vector<std::string> arguments(std::optional<std::size_t> fatal, std::uint64_t hit) const;

  private:
    [[nodiscard]] std::uint64_t next_number();

    const std::string mode_;
    const TemporaryFolder folder_;
    ReceiverCounters* counters_ = nullptr;
    std::uint64_t next_ = 1;
    std::map<std::uint64_t, int> pending_;  // not answered 200 yet; how many copies are on their way
};

}  // namespace fpt_webhooks::test
