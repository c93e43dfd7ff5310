// The testing component: for the tests of whoever receives or sends webhooks. Doubles for clock and randomness, and
// signature vectors.
#pragma once

#include <fpt_webhooks/core.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>
#include <fpt_webhooks/testing/sequence_random.hpp>
#include <fpt_webhooks/testing/signature_vectors.hpp>
