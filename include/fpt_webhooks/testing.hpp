// The testing component: for the tests of whoever receives or sends webhooks (docs/testing.md). Signed requests, FPT in
// process with faults by name, a conformance runner, doubles for clock and randomness, signature vectors.
#pragma once

#include <fpt_webhooks/core.hpp>
#include <fpt_webhooks/testing/conformance.hpp>
#include <fpt_webhooks/testing/exchange.hpp>
#include <fpt_webhooks/testing/fault.hpp>
#include <fpt_webhooks/testing/in_process_sender.hpp>
#include <fpt_webhooks/testing/junit_xml.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>
#include <fpt_webhooks/testing/plain_exchange.hpp>
#include <fpt_webhooks/testing/sequence_random.hpp>
#include <fpt_webhooks/testing/signature_vectors.hpp>
#include <fpt_webhooks/testing/signed_request.hpp>
