#include <fpt_webhooks/core/contact_events.hpp>

#include <array>
#include <span>

#include "core/json_scan.hpp"
#include "core/json_write.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

constexpr std::string_view contact_id_name = "contactId";
constexpr std::string_view operation_name = "operation";
constexpr std::string_view previous_status_name = "previousStatusId";
constexpr std::string_view new_status_name = "newStatusId";
constexpr std::string_view previous_sub_group_name = "previousSubGroupId";
constexpr std::string_view new_sub_group_name = "newSubGroupId";

// A field that is looked for: an integer, or a string that can have one value only.
struct Wanted {
    std::string_view name;
    std::string_view only_value = {};
    std::optional<std::int32_t> number = {};  // the result; nothing when absent or null
    bool seen = false;
};

// Reads the wanted fields of `data`; others are passed over. A field that stands twice is refused, since readers would
// differ on which of the two counts.
class DataReader final : public detail::JsonVisitor {
  public:
    explicit DataReader(std::span<Wanted> wanted) : wanted_(wanted) {}

    bool member(const detail::JsonMember& member) override {
        for (Wanted& field : wanted_) {
            if (field.name == member.name) return take_field(field, member);
        }
        return true;
    }

  private:
    bool take_field(Wanted& field, const detail::JsonMember& member) {
        if (field.seen) {
            return fail(Error(Errc::malformed, std::string(field.name) + ": stands twice", member.name_offset));
        }
        field.seen = true;
        if (member.kind == detail::JsonKind::null) return true;
        if (!field.only_value.empty()) {
            if (member.kind == detail::JsonKind::string && member.text == field.only_value) return true;
            return fail(member.error(Errc::malformed, std::string(field.only_value).append(" is needed")));
        }
        return take(field.number, detail::read_integer<std::int32_t>(member));
    }

    const std::span<Wanted> wanted_;
};

Result<void> read_data(const JsonObject& data, std::span<Wanted> wanted) {
    DataReader reader(wanted);
    const auto scanned = detail::scan_json(data.text(), detail::JsonRoot::object, json_depth_max, &reader);
    if (!scanned) return scanned.error();
    return {};
}

Error missing(const JsonObject& data, std::string_view name) {
    return Error(Errc::malformed, std::string(name) + ": missing", data.text().size() - 1);
}

Result<ContactId> read_operation(const JsonObject& data, std::string_view operation) {
    std::array wanted = {Wanted{contact_id_name}, Wanted{operation_name, operation}};
    if (auto read = read_data(data, wanted); !read) return read.error();
    if (!wanted[0].number) return missing(data, contact_id_name);
    return ContactId(*wanted[0].number);
}

detail::JsonObjectWriter start_data(ContactId contact) {
    constexpr std::size_t size_hint = 96;  // the longest of the five, three ids of eleven characters included
    detail::JsonObjectWriter writer(size_hint);
    writer.integer(contact_id_name, contact.value());
    return writer;
}

JsonObject write_operation(ContactId contact, std::string_view operation) {
    return JsonObjectAccess::make(start_data(contact).string(operation_name, operation).finish());
}

}  // namespace

Result<ContactCreated> ContactCreated::from_data(const JsonObject& data) {
    return read_operation(data, "create").transform([](ContactId id) { return ContactCreated{id}; });
}
JsonObject ContactCreated::to_data() const { return write_operation(contact_id, "create"); }

Result<ContactUpdated> ContactUpdated::from_data(const JsonObject& data) {
    return read_operation(data, "update").transform([](ContactId id) { return ContactUpdated{id}; });
}
JsonObject ContactUpdated::to_data() const { return write_operation(contact_id, "update"); }

Result<ContactDeleted> ContactDeleted::from_data(const JsonObject& data) {
    return read_operation(data, "delete").transform([](ContactId id) { return ContactDeleted{id}; });
}
JsonObject ContactDeleted::to_data() const { return write_operation(contact_id, "delete"); }

Result<ContactStatusChanged> ContactStatusChanged::from_data(const JsonObject& data) {
    std::array wanted = {Wanted{contact_id_name}, Wanted{previous_status_name}, Wanted{new_status_name}};
    if (auto read = read_data(data, wanted); !read) return read.error();
    for (const Wanted& field : wanted) {
        if (!field.number) return missing(data, field.name);
    }
    return ContactStatusChanged{.contact_id = ContactId(*wanted[0].number),
                                .previous_status = static_cast<ContactStatus>(*wanted[1].number),
                                .new_status = static_cast<ContactStatus>(*wanted[2].number)};
}

JsonObject ContactStatusChanged::to_data() const {
    return JsonObjectAccess::make(start_data(contact_id)
                                      .integer(previous_status_name, static_cast<std::int32_t>(previous_status))
                                      .integer(new_status_name, static_cast<std::int32_t>(new_status))
                                      .finish());
}

Result<ContactSubGroupChanged> ContactSubGroupChanged::from_data(const JsonObject& data) {
    std::array wanted = {Wanted{contact_id_name}, Wanted{previous_sub_group_name}, Wanted{new_sub_group_name}};
    if (auto read = read_data(data, wanted); !read) return read.error();
    if (!wanted[0].number) return missing(data, contact_id_name);
    if (!wanted[1].number && !wanted[2].number) {
        return missing(data, "previousSubGroupId and newSubGroupId");
    }
    ContactSubGroupChanged event{.contact_id = ContactId(*wanted[0].number)};
    if (wanted[1].number) event.previous_sub_group = SubGroupId(*wanted[1].number);
    if (wanted[2].number) event.new_sub_group = SubGroupId(*wanted[2].number);
    return event;
}

JsonObject ContactSubGroupChanged::to_data() const {
    auto writer = start_data(contact_id);
    if (previous_sub_group) writer.integer(previous_sub_group_name, previous_sub_group->value());
    if (new_sub_group) writer.integer(new_sub_group_name, new_sub_group->value());
    return JsonObjectAccess::make(writer.finish());
}

std::optional<ContactId> contact_of(const JsonObject& data) {
    Wanted wanted[] = {{.name = contact_id_name}};
    if (!read_data(data, wanted) || !wanted[0].number) return std::nullopt;
    return ContactId(*wanted[0].number);
}

}  // namespace fpt_webhooks::inline v0_1
