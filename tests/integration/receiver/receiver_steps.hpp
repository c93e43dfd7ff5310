// The steps of a receiver between a request and its answer, each with a name: the places where a process can die.
#pragma once

#include "integration/kill/steps.hpp"

namespace fpt_webhooks::test {

enum class ReceiverStep : std::size_t {
    request_read,
    before_claim,
    after_claim,
    before_effect,
    after_effect,
    before_complete,
    after_complete,
    before_release,
    after_release,
    before_answer,
    after_answer,
    before_add,
    after_add,
    before_take,
    after_take,
    count
};

inline constexpr std::size_t receiver_step_count = static_cast<std::size_t>(ReceiverStep::count);

inline constexpr std::array<const char*, receiver_step_count> receiver_step_names = {
    "receiver: the request is read",
    "store: before claim",
    "store: after a fresh claim",
    "handler: before its effect",
    "handler: after its effect",
    "store: before complete",
    "store: after complete",
    "store: before release",
    "store: after release",
    "receiver: before the answer",
    "receiver: after the answer",
    "inbox: before add",
    "inbox: after add",
    "inbox: before take",
    "inbox: after something was taken",
};

using ReceiverSteps = BasicSteps<ReceiverStep, receiver_step_count>;

// Steps of the disk (watched_disk.hpp) that a receiver comes to.
inline constexpr std::array<Step, 4> disk_steps = {Step::before_log_write, Step::after_log_write, Step::before_log_sync,
                                                   Step::after_log_sync};

struct ReceiverCounters {
    BasicStepCounters<receiver_step_count> receiver;
    StepCounters disk;
};

// How the process marks what it has processed.
inline constexpr const char* mode_lease = "lease";
inline constexpr const char* mode_transaction = "in_transaction";
inline constexpr const char* mode_inbox = "inbox";

}  // namespace fpt_webhooks::test
