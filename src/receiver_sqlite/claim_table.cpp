#include "receiver_sqlite/claim_table.hpp"

#include <algorithm>
#include <string>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// A claim adds one key at most, so forgetting up to two of each kind each time outruns any growth and never takes long.
constexpr int purge_step = 2;

// A leased row is forgotten so long after its retention: then its lease has ended, whatever the wall clock did.
constexpr std::chrono::milliseconds lease_grace = 2 * dedupe_lease_max;

std::chrono::milliseconds age(Timestamp at, const Moment& now) noexcept {
    return std::max(now.wall - at, std::chrono::milliseconds::zero());  // the clock may have been set back
}

Error lease_lost() { return {Errc::lease_lost}; }

}  // namespace

std::optional<Claim> ClaimTable::Row::verdict(const Moment& now, std::chrono::milliseconds retention) const {
    switch (state) {
        case ClaimRowState::leased:
            if (lease.left(now) == 0) return std::nullopt;
            return Claim{};  // busy
        case ClaimRowState::done:
            if (now.wall - at >= retention) return std::nullopt;
            return Claim{.state = ClaimState::done, .completed_ago = age(at, now)};
        case ClaimRowState::released: break;
    }
    return std::nullopt;
}

std::optional<ClaimTable::Row> ClaimTable::find(const DedupeKey& key) {
    Run row = find_(Blob{bytes_of(key.endpoint)}, Blob{bytes_of(key.id)});
    if (!row.next()) return std::nullopt;
    return Row{.id = row.integer(0),
               .state = row.as<ClaimRowState>(1),
               .fence = row.integer(2),
               .failures = row.as<std::uint32_t>(3),
               .at = row.time(4),
               .lease = {row.integer(5), row.integer(6)}};
}

Result<Claim> ClaimTable::claim(const DedupeKey& key, std::chrono::milliseconds lease, const Moment& now,
                                const ClaimLimits& limits, std::optional<std::chrono::milliseconds>& forgotten) {
    purge(now, limits.retention);
    auto row = find(key);
    if (row) {
        if (auto verdict = row->verdict(now, limits.retention)) return *verdict;
        if (row->state == ClaimRowState::done) row->failures = 0;
    } else {
        row.emplace();
    }
    row->state = ClaimRowState::leased;
    row->fence = counters_.now.last_fence + 1;
    row->lease = Hold::from(now, lease);
    if (row->id == 0) {
        auto id = insert(key, *row, now, limits, forgotten);
        if (!id) return id.error();
        row->id = *id;
    } else {
        update_.run(row->state, row->fence, row->failures, now.wall, row->lease.until, row->lease.length, row->id);
    }
    counters_.now.last_fence = row->fence;
    return Claim{.state = ClaimState::fresh,
                 .token = {static_cast<std::uint64_t>(row->id), static_cast<std::uint64_t>(row->fence)},
                 .failures = row->failures};
}

Result<void> ClaimTable::complete(ClaimToken token, const Moment& now) {
    if (token.fence == 0) return lease_lost();
    complete_.run(now.wall, token.entry, token.fence);
    if (database_.changed_rows() == 1 || is_completed(token)) return {};
    return lease_lost();
}

bool ClaimTable::is_completed(ClaimToken token) { return is_completed_(token.entry, token.fence).next(); }

Result<void> ClaimTable::release(ClaimToken token, ReleaseAs how, const Moment& now) {
    if (token.fence == 0) return lease_lost();
    std::optional<std::int64_t> failures;
    {
        Run row = release_(how == ReleaseAs::failed ? 1 : 0, now.wall, token.entry, token.fence);
        while (row.next()) failures = row.integer(0);
    }
    if (!failures) return lease_lost();
    if (*failures == 0) forget(static_cast<std::int64_t>(token.entry));
    return {};
}

Result<void> ClaimTable::renew(ClaimToken token, std::chrono::milliseconds lease, const Moment& now) {
    if (token.fence == 0) return lease_lost();
    const Hold hold = Hold::from(now, lease);
    renew_.run(now.wall, hold.until, hold.length, token.entry, token.fence);
    if (database_.changed_rows() == 1) return {};
    return lease_lost();
}

void ClaimTable::count_failure(const DedupeKey& key, const Moment& now, const ClaimLimits& limits) {
    auto row = find(key);
    if (row && row->verdict(now, limits.retention)) return;
    if (!row || row->state == ClaimRowState::done) row = Row{.id = row ? row->id : 0};
    row->state = ClaimRowState::released;
    row->fence = 0;
    ++row->failures;
    if (row->id == 0) {
        std::optional<std::chrono::milliseconds> forgotten;
        (void)insert(key, *row, now, limits, forgotten);  // in a store that is full of running leases it is not counted
    } else {
        update_.run(row->state, row->fence, row->failures, now.wall, row->lease.until, row->lease.length, row->id);
    }
}

Result<std::int64_t> ClaimTable::insert(const DedupeKey& key, const Row& row, const Moment& now,
                                        const ClaimLimits& limits,
                                        std::optional<std::chrono::milliseconds>& forgotten) {
    if (static_cast<std::size_t>(counters_.now.claims) >= limits.keys_max && !make_room(now, forgotten)) {
        return Error(Errc::store_full,
                     "all " + std::to_string(limits.keys_max) + " keys of the store have a running lease");
    }
    insert_.run(Blob{bytes_of(key.endpoint)}, Blob{bytes_of(key.id)}, row.state, row.fence, row.failures, now.wall,
                row.lease.until, row.lease.length);
    ++counters_.now.claims;
    return database_.last_rowid();
}

void ClaimTable::purge(const Moment& now, std::chrono::milliseconds retention) {
    const Timestamp done_before = now.wall - retention;
    for (const auto& [state, before] :
         {std::pair(ClaimRowState::done, done_before), std::pair(ClaimRowState::released, done_before),
          std::pair(ClaimRowState::leased, done_before - lease_grace)}) {
        purge_.run(state, before, purge_step);
        counters_.now.claims -= database_.changed_rows();
    }
}

bool ClaimTable::make_room(const Moment& now, std::optional<std::chrono::milliseconds>& forgotten) {
    std::optional<std::int64_t> victim;
    {
        Run row = ended_lease_(now.steady);
        if (row.next()) victim = row.integer(0);
    }
    for (const ClaimRowState state : {ClaimRowState::done, ClaimRowState::released}) {
        if (victim) break;
        Run row = oldest_(state);
        if (!row.next()) continue;
        victim = row.integer(0);
        if (state == ClaimRowState::done) forgotten = age(row.time(1), now);
    }
    if (victim) forget(*victim);
    return victim.has_value();
}

void ClaimTable::forget(std::int64_t id) {
    forget_.run(id);
    --counters_.now.claims;
}

}  // namespace fpt_webhooks::inline v0_1::detail
