#include "receiver/read_event.hpp"

#include "receiver/guarded.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

Result<std::string> ufp_key(const ReceiverOptions& options, const UfpEvent& event, ByteView body) {
    const auto& function = options.idempotency_key;
    if (!function) {
        return guarded(Errc::crypto_failed, [&]() -> Result<std::string> { return ufp_idempotency_key(body); });
    }
    auto key = guarded(Errc::handler_failed, [&] { return function(event, body); });
    if (key && (key->empty() || key->size() > idempotency_key_bytes_max)) {
        return Error(Errc::invalid_argument, "idempotency_key: a key of 1 to 256 bytes is needed");
    }
    return key;
}

}  // namespace

ReadEvent::ReadEvent(ReadEvent&& other) noexcept
    : envelope_(std::move(other.envelope_)), ufp_(std::move(other.ufp_)), key_(std::move(other.key_)) {
    if (envelope_) view_.emplace(*envelope_, key_);
    if (ufp_) view_.emplace(*ufp_, key_);
}

Result<void> ReadEvent::read(const ReceiverOptions& options, ByteView body) {
    if (options.profile == Profile::fpt) {
        auto envelope = decode_envelope(body, options.body_bytes_max);
        if (!envelope) return std::move(envelope).error();
        key_ = envelope->event_id.to_string();
        view_.emplace(envelope_.emplace(*std::move(envelope)), key_);
        return {};
    }
    auto event = decode_ufp_event(body, options.body_bytes_max);
    if (!event) return std::move(event).error();
    auto key = ufp_key(options, *event, body);
    if (!key) return std::move(key).error();
    key_ = *std::move(key);
    view_.emplace(ufp_.emplace(*std::move(event)), key_);
    return {};
}

}  // namespace fpt_webhooks::inline v0_1::detail
