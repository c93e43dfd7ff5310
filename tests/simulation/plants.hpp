// Bugs that are planted one at a time, to prove that the simulation finds such ones.
#pragma once

#include <memory>
#include <span>

#include <fpt_webhooks/sender/contact_window.hpp>
#include <fpt_webhooks/sender/retry_policy.hpp>

#include "world.hpp"

namespace simulation {

extern int planted;  // 0: none

struct Plant {
    int number;
    const char* what;
};
[[nodiscard]] std::span<const Plant> plants();

// Those that need no line in the dispatcher: the seams around it are wrong instead.
[[nodiscard]] StorePlants store_plants();
[[nodiscard]] fw::RetryPolicy plant_policy(fw::RetryPolicy policy);
[[nodiscard]] fw::ContactWindowOptions plant_window(fw::ContactWindowOptions window);
[[nodiscard]] std::shared_ptr<const fw::Clock> plant_clock(std::shared_ptr<const fw::Clock> clock);

}  // namespace simulation
