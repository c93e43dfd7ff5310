// Categories of personal data by their names.
#pragma once

#include <string>
#include <vector>

#include <fpt_webhooks/core/pii.hpp>

namespace fpt_webhooks::cli {

// As --pii takes them, in the order of the library.
[[nodiscard]] inline std::vector<std::string> names_of(PiiCategories categories) {
    std::vector<std::string> names;
    for (const PiiCategory category : pii_category_values) {
        if (categories.contains(category)) names.emplace_back(name_of(category));
    }
    return names;
}

}  // namespace fpt_webhooks::cli
