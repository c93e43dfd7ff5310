// What a Receiver is made of.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/key_ring.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>
#include <fpt_webhooks/core/verifier.hpp>
#include <fpt_webhooks/receiver/dead_letter_store.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/handle_report.hpp>
#include <fpt_webhooks/receiver/handlers.hpp>
#include <fpt_webhooks/receiver/inbox_store.hpp>

namespace fpt_webhooks::inline v0_1 {

// When an event is marked done, and so what a crash in the middle costs.
enum class DedupeMode {
    // Claim, handle, mark. After a crash in between the event is processed again once the lease has ended: nothing is
    // lost, and what the handler had done by then is done twice.
    lease,
    // The claim opens a transaction that the handler writes in too, and the mark commits both: exactly one effect.
    in_transaction,
    // Claim, mark, handle: the vendor's documented recipe. No event is handled twice, and A CRASH IN BETWEEN LOSES THE
    // EVENT, since its retry counts as a duplicate. So does a handler that fails, unless there are dead letters: then
    // its first failure puts the event there.
    insert_first,
};

// Handlers that wait for databases and peers; a host with more at once wants an inbox.
inline constexpr std::size_t deadline_threads_max = 256;

struct ReceiverOptions {
    // A name for this endpoint, 1 to endpoint_name_bytes_max bytes: part of every dedupe key, so it must stay the same
    // across restarts when the store is durable.
    std::string endpoint = {};

    // Whose events come in: decides signature scheme, body format and media type.
    Profile profile = Profile::fpt;

    // 1 to verifier_secrets_max; see VerifierOptions.
    std::vector<TimedSecret> secrets = {};

    // Instead of `secrets`: swapped while the receiver runs. For the profile's scheme, Scheme::fpt or Scheme::ufp.
    std::shared_ptr<KeyRing> key_ring = nullptr;

    // See VerifierOptions; nothing: 300 s. Unused under UFP, whose signatures carry no time: there only deduplication
    // stands against a replay.
    std::optional<std::chrono::seconds> tolerance = std::nullopt;

    // A longer body is answered 413; at least 1.
    std::size_t body_bytes_max = body_bytes_max_default;

    // Nothing: a MemoryDedupe of this receiver's own, with its defaults.
    std::shared_ptr<DedupeStore> dedupe = nullptr;

    // in_transaction goes with a store that joins_transaction(), and only with one.
    DedupeMode mode = DedupeMode::lease;

    // How long a claim outlives the process that holds it: after a crash, as long as this until the event can be
    // processed. More than zero, up to dedupe_lease_max. While a handler runs, a thread of the receiver's renews its
    // lease (mode lease only; with the other modes there is nothing to renew).
    std::chrono::milliseconds lease = std::chrono::seconds(60);

    // The longest that a handler is protected by renewing; `lease` or more, up to dedupe_lease_max. One that runs
    // longer may be run a second time by a retry. Ten minutes outlast any sender's wait.
    std::chrono::milliseconds lease_total_max = std::chrono::minutes(10);

    // Takes what is signed but unreadable, and what has failed in its handlers `failures_max` times; such requests are
    // then answered 200, so that the sender does not try in vain until it disables the endpoint. Nothing: they are
    // answered 400 and 500 each time.
    std::shared_ptr<DeadLetterStore> dead_letters = nullptr;

    // With `dead_letters` only. Zero: 3 under FPT, 2 under UFP, whose senders try only 4 times.
    std::uint32_t failures_max = 0;

    // Set: verified events are stored here and answered 200 at once; InboxWorkers process them afterwards. Then the
    // inbox stands in for `dedupe` and `dead_letters`, which must not be set, nor may `mode` and `failures_max`.
    std::shared_ptr<InboxStore> inbox = nullptr;

    // How long a duplicate waits for the result of the request that is processing the event; it holds a thread of your
    // server meanwhile. Zero: not at all. The default stays under the 30 s after which FPT gives up on a request.
    std::chrono::milliseconds busy_wait = std::chrono::seconds(25);

    BusyAnswer busy_answer = BusyAnswer::retry_later;

    // With an inbox the answer is 200 all the same: the workers' receiver decides then, by its own option.
    UnknownEvents unknown_events = UnknownEvents::accept;

    // How many handlers that have a deadline run at once, those beyond their deadline included; 1 to
    // deadline_threads_max. The threads are started when needed. An event that gets none before its deadline is given
    // back untried and answered 503.
    std::size_t deadline_threads = 16;

    // FPT only: for how many contacts the time of the newest processed event is remembered, so that handlers are told
    // when theirs is older (EventContext::older_by). A help, not a guarantee: it knows what this process has handled
    // since its start, forgets the contacts not seen for longest, and events handled at the same moment do not know of
    // each other. About 150 bytes each. Zero: off.
    std::size_t contact_order_capacity = 0;

    // The Retry-After of every 503, zero or more. Senders with a schedule of their own take the later of the two.
    std::chrono::seconds retry_after{30};

    // UFP only: the key that two deliveries of one event share, 1 to idempotency_key_bytes_max bytes. An error is
    // answered 400. Nothing: ufp_idempotency_key over the raw body, under which two equal events are one.
    std::function<Result<std::string>(const UfpEvent& event, ByteView body)> idempotency_key = nullptr;

    // For signature times, for the deadlines of handlers and, if the store is our own, for leases and retention.
    // Nothing: the system's.
    std::shared_ptr<const Clock> clock = nullptr;

    // Called once for each request, just before handle() returns, on its thread; a second time, on another thread, when
    // handlers end that overran their deadline. Must be safe to call from several threads at once. What it throws is
    // dropped.
    std::function<void(const HandleReport&)> observer = nullptr;
};

}  // namespace fpt_webhooks::inline v0_1
