// The core component: errors, values, signatures, the two vendors' event formats and catalogues.
#pragma once

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/contact_events.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/error.hpp>
#include <fpt_webhooks/core/event_id.hpp>
#include <fpt_webhooks/core/event_type.hpp>
#include <fpt_webhooks/core/event_view.hpp>
#include <fpt_webhooks/core/fpt_catalogue.hpp>
#include <fpt_webhooks/core/headers.hpp>
#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/json_object.hpp>
#include <fpt_webhooks/core/make_envelope.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/secret.hpp>
#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/core/ufp_catalogue.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>
#include <fpt_webhooks/core/verifier.hpp>
