// Which events a subscription wants: exact names, families, or all (FPT and UFP event catalogues).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>
#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// Both catalogues together have fewer names.
inline constexpr std::size_t event_choice_patterns_max = 256;

// An immutable regular value; equal when it holds the same patterns, in whatever order they were given.
class FPT_WEBHOOKS_SENDER_EXPORT EventChoice {
  public:
    // One to event_choice_patterns_max of:
    //   "*"                 every event, also those that are not invented yet
    //   "contact.*"         FPT only: a family, that is every event whose first part it is
    //   "contact.created"   FPT: an event type
    //   "newlead_created"   UFP: an event key of lower-case letters, digits and '_'; an alias means its catalogued key
    // A name need not be catalogued: both catalogues grow, and hosts have events of their own.
    // Errors: invalid_argument that names the pattern by its index.
    [[nodiscard]] static Result<EventChoice> create(Profile profile, std::span<const std::string> patterns);

    [[nodiscard]] Profile profile() const noexcept { return profile_; }

    // Of the other profile: never.
    [[nodiscard]] bool matches(const Envelope& event) const noexcept;
    [[nodiscard]] bool matches(const UfpEvent& event) const noexcept;

    // A type of this choice's own profile: an FPT event type, or a UFP key as the catalogue spells it.
    [[nodiscard]] bool matches(std::string_view type) const noexcept;

    // Canonical: aliases resolved, sorted, each once; what create() takes.
    [[nodiscard]] std::vector<std::string> patterns() const;

    friend bool operator==(const EventChoice&, const EventChoice&) = default;

  private:
    explicit EventChoice(Profile profile) noexcept : profile_(profile) {}
    Result<void> add(std::string_view pattern);

    Profile profile_;
    bool all_ = false;
    std::vector<std::string> families_;  // "contact"; sorted, each once
    std::vector<std::string> names_;     // likewise
};

}  // namespace fpt_webhooks::inline v0_1
