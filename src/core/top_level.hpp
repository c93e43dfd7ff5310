// The top level of a body, of either vendor: a few fields with known names, and others that are kept as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/envelope.hpp>

#include "core/json_scan.hpp"
#include "core/json_write.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Sorts the members of a body into known and extra ones, and refuses repeated names. A codec derives from it and reads
// its fields.
class TopLevelReader : public JsonVisitor {
  public:
    bool member(const JsonMember& member) final;

  protected:
    // `names`: the known fields, at most 32; must outlive this object.
    explicit TopLevelReader(std::span<const std::string_view> names) : names_(names) {}
    ~TopLevelReader() = default;

    // The known field with this index in `names`; called at most once for each.
    virtual bool field(std::size_t index, const JsonMember& member) = 0;

    // Scans the body. Afterwards `missing` and `take_extra` may be called.
    Result<void> read(ByteView body, std::size_t body_bytes_max);

    [[nodiscard]] bool seen(std::size_t index) const noexcept { return (seen_ >> index & 1) != 0; }
    // For a field that was not there: malformed, at the closing brace.
    [[nodiscard]] Error missing(std::string_view name) const;

    // The extra fields in their order. Errors: malformed when two have the same name.
    [[nodiscard]] Result<std::vector<ExtraField>> take_extra();

  private:
    [[nodiscard]] std::size_t find_name(std::string_view name) const noexcept;
    bool keep_extra(const JsonMember& member);
    bool fail_repeated(std::string_view name, std::size_t offset);

    const std::span<const std::string_view> names_;
    std::uint32_t seen_ = 0;
    std::size_t next_ = 0;  // of names_: where the next field is looked for first
    std::size_t closing_ = 0;
    std::vector<ExtraField> extra_;
    std::vector<std::size_t> extra_offsets_;  // of their names
};

// Adds the extra fields to what is being written. Errors: malformed for a name that repeats another or is one of
// `names`, or a value that is not one JSON value; limit_exceeded for one that is nested too deep.
[[nodiscard]] Result<void> write_extra(JsonObjectWriter& writer, std::span<const ExtraField> extra,
                                       std::span<const std::string_view> names);

// Would this object, one level down in a body, be refused by the decoders? Errors: limit_exceeded, in `name`.
[[nodiscard]] Result<void> check_depth_inside(std::string_view name, const JsonObject& object);

// About the bytes that the extra fields will take.
[[nodiscard]] std::size_t size_of(std::span<const ExtraField> extra) noexcept;

}  // namespace fpt_webhooks::inline v0_1::detail
