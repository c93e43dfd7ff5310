// What a handler is told beside its event, and what may be asked for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace fpt_webhooks::inline v0_1 {

// For the last parameter of any handler that wants it.
struct EventContext {
    // How often this event failed at this endpoint before.
    std::uint32_t failures = 0;

    // With ReceiverOptions::contact_order_capacity: by how much this event is older than the newest one of the same
    // contact (locationId and contactId, by eventTimestamp) whose handlers have succeeded. Nothing: it is not older, or
    // that is not known.
    std::optional<std::chrono::milliseconds> older_by = {};
};

// What a request is answered while its event is being handled: by another request, or beyond a handler's deadline.
enum class BusyAnswer {
    retry_later,  // 503 with Retry-After: the sender asks again, and no event is lost if the handler fails
    accepted,     // 200: nobody asks again; the event is lost if the handler fails, unless that makes it a dead letter
};

// What becomes of an event that no handler takes.
enum class UnknownEvents {
    accept,  // 200, and counted as `unhandled`: the vendors add event types at any time
    refuse,  // 422, so that the sender retries until somebody takes it; a sender may disable an endpoint for that. With
             // an inbox: 200 `accepted`, and its workers report it `failed`, retry it and bury it at last
};

// Longer than any sender waits, by far; a mistaken unit.
inline constexpr std::chrono::milliseconds handler_deadline_max = std::chrono::hours(1);

struct HandlerOptions {
    // How long after it was entered handle() answers without the result of the event's handlers; up to
    // handler_deadline_max. The wait of a duplicate counts too, and is no longer than this. They run on, their lease is
    // renewed, and their result is recorded when it comes. Of several handlers of one event the shortest deadline
    // counts, for all of them together. FPT gives up on a request after 30 s: 25 s is a good choice. Under
    // DedupeMode::lease only. Zero: none. The handlers then run on handle()'s own thread.
    std::chrono::milliseconds deadline{0};

    // The answer then.
    BusyAnswer on_overrun = BusyAnswer::retry_later;
};

}  // namespace fpt_webhooks::inline v0_1
