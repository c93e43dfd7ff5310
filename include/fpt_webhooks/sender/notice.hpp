// What operators are told while the dispatcher works (docs/dispatcher.md).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/event_id.hpp>
#include <fpt_webhooks/sender/delivery.hpp>

namespace fpt_webhooks::inline v0_1 {

struct Notice {
    enum class Kind {
        attempt_failed,    // with the attempt
        recovered,         // a success ended a streak of failures
        exhausted,         // a delivery's attempts or window are used up; see reason
        dropped,           // a queued delivery was withdrawn; see reason
        warning,           // `percent` of the way to being disabled
        disabled,          // the subscription was disabled; by whom: see detail
        same_url,          // a subscription was created or edited whose URL another one has; see detail
        disabling_halted,  // so many subscriptions fail at once that the fault is likelier ours: nothing is disabled
        store_failed,      // the store takes no writes, or does not give what is asked, as a secret that is kept under
                           // another key; the dispatcher waits and tries again
        store_recovered,
        fenced,  // another dispatcher owns the store now; this one has stopped sending
    };

    Kind kind = Kind::attempt_failed;
    SubscriptionId subscription = {};
    std::optional<DeliveryId> delivery = {};
    std::optional<EventId> event_id = {};
    EndReason reason = EndReason::none;
    std::optional<Attempt> attempt = {};
    unsigned percent = 0;
    std::string detail = {};  // ours, safe to log
};

[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT std::string_view to_string(Notice::Kind kind) noexcept;

// Called one at a time on a thread of the dispatcher's own; any call but Dispatcher::stop is allowed inside. What it
// throws is caught. While it is slow, notices wait in a bounded queue; more are counted and lost.
using NoticeHandler = std::function<void(const Notice&)>;

}  // namespace fpt_webhooks::inline v0_1
