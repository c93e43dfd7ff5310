// A Resolver whose answers a test writes down beforehand.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fpt_webhooks/sender/resolver.hpp>
#include <fpt_webhooks/testing_sender/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// May be shared between threads. It answers inside resolve(), as the interface allows; a name without an answer is
// resolve_failed.
class FPT_WEBHOOKS_TESTING_SENDER_EXPORT ScriptedResolver final : public Resolver {
  public:
    ScriptedResolver() = default;

    // Completes what still hangs with `cancelled`.
    ~ScriptedResolver() override;

    // From now on `host` has these addresses (as text: "192.0.2.1", "::1"); a new answer replaces the old one and also
    // goes to those who have been hanging. Errors: those of IpAddress::parse; invalid_argument for an empty list.
    Result<void> answer(const std::string& host, const std::vector<std::string>& addresses);
    void fail(const std::string& host, Error error);

    // From now on `host` is not answered until it gets an answer or the resolver is destroyed.
    void hang(const std::string& host);

    void resolve(const std::string& host, Completion done) override;

    // The hosts that were asked for, in order.
    [[nodiscard]] std::vector<std::string> asked() const;

  private:
    using Answer = Result<std::vector<IpAddress>>;

    void set(const std::string& host, std::optional<Answer> answer);

    mutable std::mutex mutex_;
    std::map<std::string, std::optional<Answer>> answers_;  // nothing: hangs
    std::vector<std::pair<std::string, Completion>> hanging_;
    std::vector<std::string> asked_;
};

}  // namespace fpt_webhooks::inline v0_1::testing
