#include <fpt_webhooks/core/json_object.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto object = fw::JsonObject::parse(text);
    if (!object) {
        fuzz::require_useful(object.error(), size);
        return 0;
    }
    const std::string& kept = object->text();
    fuzz::require(kept.front() == '{' && kept.back() == '}', "an object stands between its braces");
    fuzz::require(text.find(kept) == text.find('{'), "the text is kept byte for byte");
    const auto again = fw::JsonObject::parse(kept);
    fuzz::require(again && *again == *object, "a kept object is valid");
    return 0;
}
