#include <fpt_webhooks/core/pii.hpp>

namespace fpt_webhooks::inline v0_1 {
namespace {

std::string join(PiiCategories categories) {
    std::string text;
    for (const PiiCategory category : pii_category_values) {
        if (!categories.contains(category)) continue;
        if (!text.empty()) text += ", ";
        text += name_of(category);
    }
    return text;
}

}  // namespace

Result<PiiCategory> parse_pii_category(std::string_view name) {
    for (const PiiCategory category : pii_category_values) {
        if (name == name_of(category)) return category;
    }
    return Error(Errc::invalid_argument, std::string("PII category: one of ").append(join(PiiCategories::all())));
}

Result<PiiCategories> PiiCategories::from_bits(std::uint32_t bits) {
    if ((bits & ~bits_all) != 0) {
        return Error(Errc::out_of_range, "PII categories: a bit that stands for no category");
    }
    return PiiCategories(bits);
}

std::string PiiCategories::to_string() const {
    std::string text = join(*this);
    return text.empty() ? std::string("none") : text;
}

}  // namespace fpt_webhooks::inline v0_1
