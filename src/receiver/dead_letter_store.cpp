#include <fpt_webhooks/receiver/dead_letter_store.hpp>

namespace fpt_webhooks::inline v0_1 {

DeadLetterStore::~DeadLetterStore() = default;

std::string_view name_of(DeadLetterReason reason) noexcept {
    switch (reason) {
        case DeadLetterReason::unreadable: return "unreadable";
        case DeadLetterReason::handler_failed: return "handler_failed";
    }
    return "unknown";
}

}  // namespace fpt_webhooks::inline v0_1
