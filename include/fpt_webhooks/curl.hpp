// The curl component: a Transport over libcurl and a Resolver over the system's name service.
#pragma once

#include <fpt_webhooks/curl/curl_transport.hpp>
#include <fpt_webhooks/curl/pooled_resolver.hpp>
#include <fpt_webhooks/sender.hpp>
