#include "sender_sqlite/records.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

[[noreturn]] void damaged(std::string what) { throw StoreFailure(Error(Errc::store_corrupt, std::move(what))); }

Scope scope_of(std::int64_t kind, std::int64_t id, std::int64_t tenant) {
    switch (static_cast<Scope::Kind>(kind)) {
        case Scope::Kind::location: return Scope::location(LocationId(static_cast<LocationId::rep>(id)));
        case Scope::Kind::organization:
            return Scope::organization(OrganizationId(static_cast<OrganizationId::rep>(id)));
        case Scope::Kind::company: return Scope::company(CompanyId(id));
        case Scope::Kind::tenant: return Scope::tenant(CompanyId(id), TenantId(tenant));
    }
    damaged("a subscription's scope");
}

}  // namespace

std::string join_lines(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        if (!text.empty()) text += '\n';
        text += line;
    }
    return text;
}

std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

std::int64_t limit_of(std::size_t max) noexcept {
    constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
    return static_cast<std::int64_t>(std::min(max, most));
}

PiiCategories pii_of(std::int64_t bits) {
    const auto pii = PiiCategories::from_bits(static_cast<std::uint32_t>(bits));
    if (!pii) damaged("a PII mask");
    return *pii;
}

EventId event_id_of(ByteView bytes) {
    std::array<std::byte, 16> id{};
    if (bytes.size() != id.size()) damaged("an event id");
    std::copy(bytes.begin(), bytes.end(), id.begin());
    return EventId(id);
}

std::optional<std::int64_t> number_of(const std::optional<ContactKey>& contact) noexcept {
    if (!contact) return std::nullopt;
    const auto low = static_cast<std::uint32_t>(contact->contact.value());
    return std::int64_t{contact->location.value()} * (std::int64_t{1} << 32) + std::int64_t{low};
}

std::optional<SubscriptionRecord> Records::find(SubscriptionId id) {
    Run row = find_(id.value());
    if (!row.next()) return std::nullopt;
    return read(row);
}

std::vector<SubscriptionRecord> Records::list(SubscriptionId after, std::size_t max) {
    std::vector<SubscriptionRecord> records;
    for (Run row = list_(after.value(), limit_of(max)); row.next();) records.push_back(read(row));
    return records;
}

SubscriptionRecord Records::read(const Run& row) {
    const SubscriptionId id(row.as<SubscriptionId::rep>(0));
    auto subscription = Subscription::restore({.id = id,
                                               .url = std::string(row.text(1)),
                                               .scope = scope_of(row.integer(2), row.integer(3), row.integer(4)),
                                               .events = split_lines(row.text(5)),
                                               .status = row.as<SubscriptionStatus>(6),
                                               .pii = pii_of(row.integer(7)),
                                               .fifo_per_contact = row.integer(17) != 0});
    if (!subscription) {
        std::string place = "subscription ";
        damaged(place.append(std::to_string(id.value())).append(": ").append(subscription.error().message()));
    }
    SubscriptionRecord record{.subscription = *std::move(subscription),
                              .version = row.as<std::uint64_t>(8),
                              .secret_number = row.as<std::uint32_t>(9),
                              .deleted = row.integer(10) != 0,
                              .created_at = row.time(11),
                              .changed_at = row.time(12)};
    if (!row.is_null(14)) {
        record.streak = FailureStreak{
            .started = row.time(14), .last_failure = row.time(15), .warned_percent = row.as<unsigned>(16)};
    }
    if (row.integer(13) > 0) record.cuts = cuts(id, record.subscription.profile());
    return record;
}

std::vector<Cut> Records::cuts(SubscriptionId id, Profile profile) {
    std::vector<Cut> cuts;
    for (Run row = cuts_(id.value()); row.next();) {
        Cut cut{.up_to = DeliveryId(row.integer(0)),
                .keep = {},
                .reason = row.as<EndReason>(2),
                .pii = pii_of(row.integer(3))};
        if (!row.is_null(1)) {
            auto keep = EventChoice::create(profile, split_lines(row.text(1)));
            if (!keep) damaged("a cut's event choice");
            cut.keep = *std::move(keep);
        }
        cuts.push_back(std::move(cut));
    }
    return cuts;
}

}  // namespace fpt_webhooks::inline v0_1::detail
