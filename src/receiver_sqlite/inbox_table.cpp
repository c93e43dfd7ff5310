#include "receiver_sqlite/inbox_table.hpp"

#include <string>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// An event adds one key, so forgetting up to two each time outruns any growth and never takes long.
constexpr int purge_step = 2;

// What one take may bring into memory: it ends with the body that goes past this.
constexpr std::size_t take_bytes_max = 16 * 1024 * 1024;

Error lease_lost() { return {Errc::lease_lost}; }

}  // namespace

void InboxTable::wake_after_restart(const Moment& now) { wake_.run(now.steady); }

Result<InboxVerdict> InboxTable::add(const DedupeKey& key, std::string_view event_type, ByteView body,
                                     Timestamp received_at, const Moment& now, std::chrono::milliseconds retention,
                                     std::size_t waiting_max) {
    const Blob endpoint{bytes_of(key.endpoint)};
    const Blob id{bytes_of(key.id)};
    purge_.run(now.wall - retention, purge_step);
    std::optional<std::int64_t> expired;
    {
        Run row = find_(endpoint, id);
        if (row.next()) {
            const bool is_done = row.as<InboxRowState>(1) == InboxRowState::done;
            if (!is_done || now.wall - row.time(2) < retention) return InboxVerdict::duplicate;
            expired = row.integer(0);
        }
    }
    if (static_cast<std::size_t>(counters_.now.inbox_waiting) >= waiting_max) {
        return Error(Errc::store_full, std::to_string(waiting_max) + " events wait in the inbox");
    }
    if (expired) delete_.run(*expired);
    insert_.run(endpoint, id, Blob{bytes_of(event_type)}, received_at);
    insert_body_.run(database_.last_rowid(), Blob{body});
    ++counters_.now.inbox_waiting;
    return InboxVerdict::accepted;
}

InboxTable::Outlook InboxTable::outlook(std::string_view endpoint, const Moment& now) {
    Outlook outlook;
    {
        Run row = any_ready_(Blob{bytes_of(endpoint)});
        outlook.ready = row.next();
    }
    if (outlook.ready) return outlook;
    Run row = next_end_();
    if (row.next() && !row.is_null(0)) outlook.next_end = row.integer(0);
    outlook.ready = outlook.next_end && *outlook.next_end <= now.steady;
    return outlook;
}

std::vector<InboxItem> InboxTable::take(std::string_view endpoint, std::chrono::milliseconds lease, std::size_t max,
                                        const Moment& now) {
    wake_due_.run(now.steady);
    std::vector<InboxItem> items;
    {
        Run row = ready_(Blob{bytes_of(endpoint)}, max);
        std::size_t bytes = 0;
        while (bytes <= take_bytes_max && row.next()) {
            items.push_back({.token = {row.as<std::uint64_t>(0), 0},
                             .idempotency_key = std::string(row.text(1)),
                             .event_type = std::string(row.text(2)),
                             .body = std::string(row.text(3)),
                             .failures = row.as<std::uint32_t>(4),
                             .received_at = row.time(5)});
            bytes += items.back().body.size();
        }
    }
    const Hold hold = Hold::from(now, lease);
    for (InboxItem& item : items) {
        item.token.fence = static_cast<std::uint64_t>(++counters_.now.last_fence);
        lease_.run(item.token.fence, hold.until, hold.length, item.token.entry);
    }
    return items;
}

bool InboxTable::is_taken(ClaimToken token) { return token.fence != 0 && is_taken_(token.entry, token.fence).next(); }

Result<void> InboxTable::complete(ClaimToken token, const Moment& now) {
    if (!is_taken(token)) {
        if (token.fence != 0 && is_done_(token.entry, token.fence).next()) return {};
        return lease_lost();
    }
    complete_.run(now.wall, token.entry);
    delete_body_.run(token.entry);
    --counters_.now.inbox_waiting;
    return {};
}

Result<void> InboxTable::release(ClaimToken token, ReleaseAs how, std::chrono::milliseconds retry_after,
                                 const Moment& now) {
    if (!is_taken(token)) return lease_lost();
    const Hold hold = Hold::from(now, retry_after);
    const InboxRowState state = hold.left(now) > 0 ? InboxRowState::held : InboxRowState::ready;
    release_.run(state, how == ReleaseAs::failed ? 1 : 0, hold.until, hold.length, token.entry);
    return {};
}

Result<void> InboxTable::renew(ClaimToken token, std::chrono::milliseconds lease, const Moment& now) {
    if (!is_taken(token)) return lease_lost();
    const Hold hold = Hold::from(now, lease);
    renew_.run(hold.until, hold.length, token.entry);
    return {};
}

Result<void> InboxTable::bury(ClaimToken token, const NewDeadLetter& letter, const Moment& now,
                              std::size_t letters_max) {
    if (!is_taken(token)) return lease_lost();
    if (auto added = letters_.add(letter, letters_max); !added) return added;
    return complete(token, now);
}

}  // namespace fpt_webhooks::inline v0_1::detail
