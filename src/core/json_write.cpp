#include "core/json_write.hpp"

#include <array>
#include <charconv>

#include "core/json_chars.hpp"
#include "core/rapidjson.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

namespace rj = rapidjson;

// A string as RapidJSON's output stream.
struct StringOutput {
    using Ch = char;
    void Put(char c) { text.push_back(c); }
    void Flush() noexcept {}
    std::string& text;
};

using Writer = rj::Writer<StringOutput, rj::UTF8<>, rj::UTF8<>, rj::CrtAllocator, rj::kWriteValidateEncodingFlag>;

}  // namespace

JsonObjectWriter& JsonObjectWriter::integer(std::string_view name, std::int64_t value) {
    put_name(name);
    std::array<char, 20> digits{};  // "-9223372036854775808"
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    text_.append(digits.data(), written.ptr);
    return *this;
}

JsonObjectWriter& JsonObjectWriter::string(std::string_view name, std::string_view value) {
    put_name(name);
    put_string(value);
    return *this;
}

JsonObjectWriter& JsonObjectWriter::raw(std::string_view name, std::string_view json) {
    put_name(name);
    text_ += json;
    return *this;
}

void JsonObjectWriter::put_name(std::string_view name) {
    text_ += text_.empty() ? '{' : ',';
    put_string(name);
    text_ += ':';
}

void JsonObjectWriter::put_string(std::string_view text) {
    const char* const end = text.data() + text.size();
    if (plain_end(text.data(), end) == end) {
        text_.append(1, '"').append(text).append(1, '"');
        return;
    }
    StringOutput output{text_};
    Writer writer(output);
    if (!writer.String(text.data(), static_cast<rj::SizeType>(text.size()))) valid_ = false;
}

}  // namespace fpt_webhooks::inline v0_1::detail
