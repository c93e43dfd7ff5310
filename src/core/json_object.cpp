#include <fpt_webhooks/core/json_object.hpp>

#include "core/json_scan.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

// Copies the members that stay.
class Sieve final : public detail::JsonVisitor {
  public:
    Sieve(const std::string& text, const std::function<bool(std::string_view)>& unwanted)
        : text_(text), unwanted_(unwanted) {
        kept_.reserve(text.size());
        kept_ += '{';
    }

    bool member(const detail::JsonMember& member) override {
        if (unwanted_(member.name)) {
            removed_ = true;
            return true;
        }
        if (kept_.size() > 1) kept_ += ',';
        kept_.append(text_, member.name_offset, member.offset + member.raw.size() - member.name_offset);
        return true;
    }

    // The text of all that stays.
    [[nodiscard]] std::string finish() { return removed_ ? std::move(kept_) + '}' : text_; }

  private:
    const std::string& text_;
    const std::function<bool(std::string_view)>& unwanted_;
    std::string kept_;
    bool removed_ = false;
};

}  // namespace

Result<JsonObject> JsonObject::parse(std::string_view text) {
    const auto root = detail::scan_json(text, detail::JsonRoot::object, json_depth_max);
    if (!root) return root.error();
    return JsonObject(std::string(*root));
}

Result<JsonObject> JsonObject::without(const std::function<bool(std::string_view)>& unwanted) const {
    Sieve sieve(text_, unwanted);
    const auto root = detail::scan_json(text_, detail::JsonRoot::object, json_depth_max, &sieve);
    if (!root) return root.error();
    return JsonObject(sieve.finish());
}

}  // namespace fpt_webhooks::inline v0_1
