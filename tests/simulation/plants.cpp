#include "plants.hpp"

namespace simulation {

int planted = 0;

namespace {

// `t` of a signature that was made before a wait.
class LateClock final : public fw::Clock {
  public:
    explicit LateClock(std::shared_ptr<const fw::Clock> clock) : clock_(std::move(clock)) {}
    [[nodiscard]] fw::Timestamp now() const noexcept override { return clock_->now() - std::chrono::seconds(1); }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const noexcept override {
        return clock_->steady_now();
    }

  private:
    std::shared_ptr<const fw::Clock> clock_;
};

// Waits and wall time are one.
class OneClock final : public fw::Clock {
  public:
    explicit OneClock(std::shared_ptr<const fw::Clock> clock) : clock_(std::move(clock)) {}
    [[nodiscard]] fw::Timestamp now() const noexcept override { return clock_->now(); }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const noexcept override {
        return std::chrono::steady_clock::time_point(clock_->now().time_since_epoch());
    }

  private:
    std::shared_ptr<const fw::Clock> clock_;
};

constexpr Plant all[] = {
    {1, "a failure is not waited for until it is recorded"},
    {2, "a held lane is not held"},
    {3, "an edited record, its secret too, is not read again"},
    {4, "one outcome more than W may be unrecorded"},
    {5, "a success does not end the streak"},
    {6, "a narrower PII mask is not applied to what is pending"},
    {7, "the newest is sent first"},
    {8, "a paused delivery's window does not end"},
    {9, "Retry-After does not hold the lane"},
    {10, "nothing wakes the dispatcher when a hold ends"},
    {11, "a failure of our own counts towards disabling"},
    {12, "the transport sends a request twice"},
    {13, "a last attempt that a crash left in doubt is made again"},
    {14, "an edit whose reply was lost is not obeyed"},
    {15, "a lane keeps its signing key when the secret is rotated"},
    {16, "disabling does not halt when most subscriptions fail at once"},
    {17, "another process's edit is not obeyed"},
    {18, "a fenced dispatcher goes on sending"},
    {20, "the store drops outcomes that it acknowledged"},
    {21, "the store forgets what an edit withdrew"},
    {22, "the store forgets that an attempt was started"},
    {23, "the policy has one attempt less"},
    {24, "jitter reaches further than 10 %"},
    {25, "the window is an hour longer"},
    {26, "signatures are a second old"},
    {27, "the store writes what a process brings that has lost it"},
    {28, "waits follow the wall clock"},
    {29, "a companion comes without its contact.updated"},
    {30, "the events of a window get fresh ids when it closes"},
    {31, "windows that were due before the start are never closed"},
    {32, "a window waits a second longer"},
    {40, "fifo per contact: a failure leaves the rest of its contact in memory"},
    {41, "fifo per contact: what is fresh overtakes what waits"},
};

}  // namespace

std::span<const Plant> plants() { return all; }

StorePlants store_plants() {
    return {.drops_an_outcome = planted == 20,
            .forgets_cuts = planted == 21,
            .forgets_starts = planted == 22,
            .never_fences = planted == 27,
            .keeps_old_windows = planted == 31};
}

fw::ContactWindowOptions plant_window(fw::ContactWindowOptions window) {
    if (planted == 32) window.quiet += std::chrono::seconds(1);
    return window;
}

fw::RetryPolicy plant_policy(fw::RetryPolicy policy) {
    if (planted == 23) policy.delays.pop_back();
    if (planted == 24) policy.jitter_percent = 12;
    if (planted == 25) policy.window += std::chrono::hours(1);
    return policy;
}

std::shared_ptr<const fw::Clock> plant_clock(std::shared_ptr<const fw::Clock> clock) {
    if (planted == 28) return std::make_shared<OneClock>(std::move(clock));
    if (planted != 26) return clock;
    return std::make_shared<LateClock>(std::move(clock));
}

}  // namespace simulation
