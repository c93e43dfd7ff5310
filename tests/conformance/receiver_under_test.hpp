// Starts a receiver's process, kills it at a moment, starts it again; its folder and its port stay.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include <fpt_webhooks/testing/conformance.hpp>

namespace conformance_test {

class ReceiverUnderTest {
  public:
    // `name`: a flaw's, or our_receiver.
    explicit ReceiverUnderTest(std::string_view name);
    ~ReceiverUnderTest();
    ReceiverUnderTest(const ReceiverUnderTest&) = delete;
    ReceiverUnderTest& operator=(const ReceiverUnderTest&) = delete;

    // Its URL, its secrets, all probes and hooks, and times short enough for tests.
    [[nodiscard]] fpt_webhooks::testing::ConformanceOptions options();

    [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

  private:
    void start();
    fpt_webhooks::Result<void> kill_at(fpt_webhooks::testing::KillMoment moment, const fpt_webhooks::EventId& event,
                                       const std::function<void()>& deliver);

    const std::string name_;
    std::filesystem::path folder_;
    int listener_ = -1;  // ours, so that the port survives the receiver
    std::string url_;
    pid_t process_ = -1;
};

}  // namespace conformance_test
