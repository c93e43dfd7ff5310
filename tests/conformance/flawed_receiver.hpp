// A receiver written by hand, without our verifier and our receiver, sound but for one flaw.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/signer.hpp>

#include "conformance/flaw.hpp"
#include "conformance/http_server.hpp"
#include "conformance/work.hpp"

namespace conformance_test {

// May be shared between threads.
class FlawedReceiver {
  public:
    FlawedReceiver(Flaw flaw, Work& work);

    [[nodiscard]] Answer handle(const fpt_webhooks::HttpRequest& request);

  private:
    [[nodiscard]] bool has(Flaw flaw) const noexcept { return flaw_ == flaw; }

    // Nothing: the signature holds; else why not.
    [[nodiscard]] std::optional<std::string> refuse(const fpt_webhooks::HttpRequest& request) const;
    [[nodiscard]] bool matches(const fpt_webhooks::Signer& signer, const std::string& t, const std::string& digits,
                               const fpt_webhooks::HttpRequest& request) const;
    [[nodiscard]] std::string bytes_to_sign(const fpt_webhooks::HttpRequest& request) const;

    [[nodiscard]] std::optional<int> refuse_event(const fpt_webhooks::Envelope& event);
    [[nodiscard]] Answer process(const std::string& id);
    [[nodiscard]] Answer process_unguarded(const std::string& id);
    void work_until_it_succeeds(const std::string& id);

    const Flaw flaw_;
    Work& work_;
    const fpt_webhooks::Signer signer_;
    const fpt_webhooks::Signer old_signer_;

    std::mutex mutex_;
    std::mutex queue_mutex_;  // held by the one who is at work
    std::condition_variable arrived_;
    std::set<std::string> done_;  // or stored in the inbox
    std::map<std::string, int> arrivals_;
    fpt_webhooks::Timestamp newest_ = fpt_webhooks::Timestamp::min();
};

}  // namespace conformance_test
