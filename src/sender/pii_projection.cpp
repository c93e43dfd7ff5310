#include <fpt_webhooks/sender/pii_projection.hpp>

#include <string_view>
#include <utility>
#include <vector>

#include <fpt_webhooks/core/fpt_catalogue.hpp>

namespace fpt_webhooks::inline v0_1 {

Result<Envelope> project(Envelope event, PiiCategories allowed) {
    const std::string_view type = event.event_type.text();
    if (allowed.contains(pii_categories_of(type))) return event;

    auto data = event.data.without([&](std::string_view field) {
        const auto category = pii_category(type, field);
        return category && !allowed.contains(*category);
    });
    if (!data) return data.error().in("data");
    event.data = *std::move(data);

    if (!allowed.contains(pii_default_of(event.event_type.family()))) {
        std::erase_if(event.extra, [](const ExtraField& field) { return !is_id_field(field.name); });
    }
    return event;
}

}  // namespace fpt_webhooks::inline v0_1
