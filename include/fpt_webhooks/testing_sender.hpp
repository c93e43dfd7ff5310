// The testing_sender component: what `testing` has beside for who has the sender. It stands in the namespace testing.
#pragma once

#include <fpt_webhooks/sender.hpp>
#include <fpt_webhooks/testing.hpp>
#include <fpt_webhooks/testing_sender/scripted_resolver.hpp>
#include <fpt_webhooks/testing_sender/scripted_transport.hpp>
#include <fpt_webhooks/testing_sender/transport_exchange.hpp>
