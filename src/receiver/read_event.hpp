// An event as read from a body: everything that its view points to, in one place.
#pragma once

#include <optional>
#include <string>

#include <fpt_webhooks/core/event_view.hpp>
#include <fpt_webhooks/receiver/receiver_options.hpp>

namespace fpt_webhooks::inline v0_1::detail {

class ReadEvent {
  public:
    ReadEvent() = default;
    ReadEvent(ReadEvent&& other) noexcept;  // views of the other one are no longer good
    ReadEvent& operator=(ReadEvent&&) = delete;

    // Errors: those of the codecs and of ReceiverOptions::idempotency_key; handler_failed when that one threw.
    [[nodiscard]] Result<void> read(const ReceiverOptions& options, ByteView body);

    // Once read.
    [[nodiscard]] const EventView& view() const noexcept { return *view_; }
    [[nodiscard]] const std::string& key() const noexcept { return key_; }

  private:
    std::optional<Envelope> envelope_;
    std::optional<UfpEvent> ufp_;
    std::string key_;
    std::optional<EventView> view_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
