// The testing component: doubles for everything a decision depends on, and signature vectors. For users' tests too.
#pragma once

#include <fpt_webhooks/sender.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>
#include <fpt_webhooks/testing/scripted_resolver.hpp>
#include <fpt_webhooks/testing/scripted_transport.hpp>
#include <fpt_webhooks/testing/sequence_random.hpp>
#include <fpt_webhooks/testing/signature_vectors.hpp>
