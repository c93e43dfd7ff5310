#include <fpt_webhooks/sender/event_choice.hpp>

#include <algorithm>
#include <functional>

#include <fpt_webhooks/core/event_type.hpp>
#include <fpt_webhooks/core/ufp_catalogue.hpp>

namespace fpt_webhooks::inline v0_1 {
namespace {

constexpr bool is_key_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

Error bad(std::string detail) { return {Errc::invalid_argument, std::move(detail)}; }

bool holds(const std::vector<std::string>& sorted, std::string_view text) noexcept {
    return std::binary_search(sorted.begin(), sorted.end(), text, std::less<>());
}

void sort_once(std::vector<std::string>& texts) {
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

}  // namespace

Result<EventChoice> EventChoice::create(Profile profile, std::span<const std::string> patterns) {
    if (patterns.empty()) return bad("events: at least one pattern");
    if (patterns.size() > event_choice_patterns_max) {
        return bad("events: at most " + std::to_string(event_choice_patterns_max) + " patterns");
    }
    EventChoice choice(profile);
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        if (auto added = choice.add(patterns[i]); !added) {
            return added.error().in("events[" + std::to_string(i) + "]");
        }
    }
    sort_once(choice.families_);
    sort_once(choice.names_);
    return choice;
}

Result<void> EventChoice::add(std::string_view pattern) {
    if (pattern == "*") {
        all_ = true;
        return {};
    }
    if (profile_ == Profile::ufp) {
        if (pattern.empty() || pattern.size() > EventType::length_max ||
            !std::all_of(pattern.begin(), pattern.end(), is_key_character)) {
            return bad("an event key of lower-case letters, digits and '_', or \"*\"");
        }
        names_.emplace_back(canonical_ufp_key(pattern));
        return {};
    }
    const bool is_family = pattern.ends_with(".*");
    const std::string_view family = pattern.substr(0, pattern.size() - (is_family ? 2 : 0));
    // a family is what any type of it begins with
    const auto type = EventType::parse(is_family ? std::string(family) + ".x" : std::string(pattern));
    if (!type || (is_family && family.find('.') != std::string_view::npos)) {
        return bad("an event type such as \"contact.created\", a family such as \"contact.*\", or \"*\"");
    }
    (is_family ? families_ : names_).emplace_back(is_family ? family : pattern);
    return {};
}

bool EventChoice::matches(const Envelope& event) const noexcept {
    return profile_ == Profile::fpt && matches(event.event_type.text());
}

bool EventChoice::matches(const UfpEvent& event) const noexcept {
    return profile_ == Profile::ufp && matches(canonical_ufp_key(event.event_key));
}

bool EventChoice::matches(std::string_view type) const noexcept {
    return all_ || holds(names_, type) || holds(families_, type.substr(0, type.find('.')));
}

std::vector<std::string> EventChoice::patterns() const {
    std::vector<std::string> patterns = names_;
    for (const std::string& family : families_) patterns.push_back(family + ".*");
    if (all_) patterns.emplace_back("*");
    std::sort(patterns.begin(), patterns.end());
    return patterns;
}

}  // namespace fpt_webhooks::inline v0_1
