// JSON as the program writes it: one value, built in order. For reading, commands use the library's own codecs.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::cli {

class JsonText {
  public:
    JsonText& begin_object() { return writer_.StartObject(), *this; }
    JsonText& end_object() { return writer_.EndObject(), *this; }
    JsonText& begin_array() { return writer_.StartArray(), *this; }
    JsonText& end_array() { return writer_.EndArray(), *this; }
    JsonText& key(std::string_view name) { return writer_.Key(name.data(), size_of(name)), *this; }

    JsonText& value(std::string_view text) { return writer_.String(text.data(), size_of(text)), *this; }
    JsonText& value(const char* text) { return value(std::string_view(text)); }
    JsonText& value(bool flag) { return writer_.Bool(flag), *this; }
    JsonText& value(std::integral auto number) {
        if constexpr (std::is_signed_v<decltype(number)>)
            return writer_.Int64(number), *this;
        else
            return writer_.Uint64(number), *this;
    }
    JsonText& value(Timestamp time) { return value(std::string_view(format_timestamp(time).value_or(""))); }
    template <class T>
    JsonText& value(const std::optional<T>& maybe) {
        return maybe ? value(*maybe) : (writer_.Null(), *this);
    }
    // Valid JSON, as it is.
    JsonText& raw(std::string_view json) {
        return writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType), *this;
    }

    template <class T>
    JsonText& field(std::string_view name, const T& content) {
        return key(name).value(content);
    }

    [[nodiscard]] std::string_view text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

  private:
    static rapidjson::SizeType size_of(std::string_view text) { return static_cast<rapidjson::SizeType>(text.size()); }

    rapidjson::StringBuffer buffer_;
    rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

// Valid JSON with other white space: a line for each member and item, or none at all. Every token stays as it is.
[[nodiscard]] std::string pretty_json(std::string_view json);
[[nodiscard]] std::string compact_json(std::string_view json);

}  // namespace fpt_webhooks::cli
