// What the main thread of a daemon waits for: signals, and what its other threads tell it.
#pragma once

namespace fpt_webhooks::cli {

struct Occurrence {
    enum class Kind : char { terminate, reload, stopped, fenced };

    Kind kind = Kind::terminate;
    int signal = 0;  // for terminate: which one
};

// SIGTERM and SIGINT are `terminate`, SIGHUP is `reload`. They are blocked from its construction on, in this thread and
// in all that are started later: no handler runs, and none comes before wait() looks for it.
class Occurrences {
  public:
    Occurrences();  // throws Failure(machine)
    ~Occurrences();
    Occurrences(const Occurrences&) = delete;
    Occurrences& operator=(const Occurrences&) = delete;

    void post(Occurrence::Kind kind) noexcept;  // from any thread
    [[nodiscard]] Occurrence wait() const;      // in the thread that made it

  private:
    int signals_ = -1;
    int posted_[2] = {-1, -1};  // a pipe, one byte an occurrence
};

// Ends the process as the signal would have without us.
[[noreturn]] void end_by(int signal);

}  // namespace fpt_webhooks::cli
