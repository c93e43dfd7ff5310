// The testing_sender component: doubles for the sender's seams to the network. They stand in the namespace testing.
#pragma once

#include <fpt_webhooks/sender.hpp>
#include <fpt_webhooks/testing.hpp>
#include <fpt_webhooks/testing_sender/scripted_resolver.hpp>
#include <fpt_webhooks/testing_sender/scripted_transport.hpp>
