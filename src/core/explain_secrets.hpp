// The keys that are made of a secret by mistake.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <fpt_webhooks/core/explain.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/secret.hpp>

namespace fpt_webhooks::inline v0_1::detail {

struct SecretMistake {
    Mistake mistake;
    std::string_view words;  // go on from "secrets[0]: "
    // The key that this mistake makes of the secret's text; nothing when it makes none, or the right one.
    std::optional<Secret> (*key)(const Scheme& scheme, std::string_view text);
};

[[nodiscard]] std::span<const SecretMistake> secret_mistakes() noexcept;

}  // namespace fpt_webhooks::inline v0_1::detail
