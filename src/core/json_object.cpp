#include <fpt_webhooks/core/json_object.hpp>

#include "core/json_scan.hpp"

namespace fpt_webhooks::inline v0_1 {

Result<JsonObject> JsonObject::parse(std::string_view text) {
    const auto root = detail::scan_json(text, detail::JsonRoot::object, json_depth_max);
    if (!root) return root.error();
    return JsonObject(std::string(*root));
}

}  // namespace fpt_webhooks::inline v0_1
