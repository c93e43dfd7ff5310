#include "core/top_level.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// The first field, in their order, whose name an earlier one has. By sorting: a hostile body may hold 100,000 fields.
std::optional<std::size_t> find_repeated(std::span<const ExtraField> extra) {
    if (extra.size() < 2) return std::nullopt;
    std::vector<std::size_t> order(extra.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const int compared = extra[a].name.compare(extra[b].name);
        return compared != 0 ? compared < 0 : a < b;
    });
    std::optional<std::size_t> first;
    for (std::size_t i = 1; i < order.size(); ++i) {
        if (extra[order[i]].name != extra[order[i - 1]].name) continue;
        if (!first || order[i] < *first) first = order[i];
    }
    return first;
}

}  // namespace

bool TopLevelReader::member(const JsonMember& member) {
    // Senders write the fields in the documented order: the one after the last one seen is the likeliest.
    const bool expected = next_ < names_.size() && names_[next_] == member.name;
    const std::size_t index = expected ? next_ : find_name(member.name);
    if (index == names_.size()) return keep_extra(member);
    if (seen(index)) return fail_repeated(names_[index], member.name_offset);
    seen_ |= std::uint32_t{1} << index;
    next_ = index + 1;
    return field(index, member);
}

// The number of names when it is none of them.
std::size_t TopLevelReader::find_name(std::string_view name) const noexcept {
    return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
}

bool TopLevelReader::keep_extra(const JsonMember& member) {
    extra_.push_back({std::string(member.name), std::string(member.raw)});
    extra_offsets_.push_back(member.name_offset);
    return true;
}

bool TopLevelReader::fail_repeated(std::string_view name, std::size_t offset) {
    return fail(Error(Errc::malformed, std::string(name) + ": stands twice", offset));
}

Result<void> TopLevelReader::read(ByteView body, std::size_t body_bytes_max) {
    if (body.size() > body_bytes_max) {
        return Error(Errc::limit_exceeded, "body over " + std::to_string(body_bytes_max) + " bytes", body_bytes_max);
    }
    const std::string_view text = text_of(body);
    const auto root = scan_json(text, JsonRoot::object, json_depth_max, this);
    if (!root) return root.error();
    closing_ = static_cast<std::size_t>(root->data() - text.data()) + root->size() - 1;
    return {};
}

Error TopLevelReader::missing(std::string_view name) const {
    return Error(Errc::malformed, std::string(name) + ": missing", closing_);
}

Result<std::vector<ExtraField>> TopLevelReader::take_extra() {
    if (extra_.empty()) return std::vector<ExtraField>();
    if (const auto repeated = find_repeated(extra_)) {
        return Error(Errc::malformed, "an extra field stands twice", extra_offsets_[*repeated]);
    }
    return std::move(extra_);
}

Result<void> write_extra(JsonObjectWriter& writer, std::span<const ExtraField> extra,
                         std::span<const std::string_view> names) {
    for (const ExtraField& field : extra) {
        if (std::find(names.begin(), names.end(), field.name) != names.end()) {
            return Error(Errc::malformed, "extra: a field has the name " + field.name);
        }
        const auto value = scan_json(field.json, JsonRoot::any, json_depth_max - 1);
        if (!value) return value.error().in("extra");
        writer.raw(field.name, *value);
    }
    if (find_repeated(extra)) return Error(Errc::malformed, "extra: two fields have the same name");
    return {};
}

Result<void> check_depth_inside(std::string_view name, const JsonObject& object) {
    const std::string& text = object.text();
    const auto openings = std::count(text.begin(), text.end(), '{') + std::count(text.begin(), text.end(), '[');
    // Brackets in strings are counted too: then the scan decides, which is seldom.
    if (static_cast<std::size_t>(openings) < json_depth_max) return {};
    const auto scanned = scan_json(text, JsonRoot::object, json_depth_max - 1);
    if (!scanned) return scanned.error().in(name);
    return {};
}

std::size_t size_of(std::span<const ExtraField> extra) noexcept {
    constexpr std::size_t punctuation = 4;  // ,"":
    std::size_t size = 0;
    for (const ExtraField& field : extra) size += field.name.size() + field.json.size() + punctuation;
    return size;
}

}  // namespace fpt_webhooks::inline v0_1::detail
