#include <fpt_webhooks/core/envelope.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

template <class T>
static void read_as(const fw::Envelope& envelope) {
    const auto event = envelope.data_as<T>();
    if (!event) return fuzz::require_useful(event.error(), envelope.data.text().size());
    const auto again = T::from_data(event->to_data());
    fuzz::require(again && *again == *event, "a typed event survives writing and reading");
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto envelope = fw::decode_envelope(fw::bytes_of(fuzz::text_of(data, size)));
    if (!envelope) {
        fuzz::require_useful(envelope.error(), size);
        return 0;
    }
    const auto body = fw::encode_envelope(*envelope);
    fuzz::require(body.has_value(), "what was read can be written");
    auto again = fw::decode_envelope(fw::bytes_of(*body));
    fuzz::require(again.has_value(), "what was written can be read");
    again->timestamp_text = envelope->timestamp_text;  // the one thing that is not written as it came
    fuzz::require(*again == *envelope, "an envelope survives writing and reading");
    read_as<fw::ContactCreated>(*envelope);
    read_as<fw::ContactStatusChanged>(*envelope);
    read_as<fw::ContactSubGroupChanged>(*envelope);
    return 0;
}
