#include "receiver_sqlite/tables.hpp"

#include <array>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// Wall times are milliseconds since 1970, UTC; `until` and `length` are nanoseconds of steady time (moment.hpp);
// enumerations are the numbers in the tables' headers. Endpoints, keys and types are any bytes.
constexpr const char* create_tables = R"(
CREATE TABLE fpt_webhooks_receiver_meta (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    last_fence    INTEGER NOT NULL,
    claims        INTEGER NOT NULL,   -- rows
    inbox_waiting INTEGER NOT NULL,   -- events that are not done
    last_letter   INTEGER NOT NULL,   -- numbers are never used twice
    letters       INTEGER NOT NULL    -- rows
) STRICT;
INSERT INTO fpt_webhooks_receiver_meta VALUES (1, 0, 0, 0, 0, 0);

CREATE TABLE fpt_webhooks_claim (
    id       INTEGER PRIMARY KEY,
    endpoint BLOB NOT NULL,
    key      BLOB NOT NULL,
    state    INTEGER NOT NULL,
    fence    INTEGER NOT NULL,        -- 0: no token is good
    failures INTEGER NOT NULL,
    at       INTEGER NOT NULL,        -- of its last change
    until    INTEGER NOT NULL,        -- of its lease
    length   INTEGER NOT NULL,
    UNIQUE (endpoint, key)
) STRICT;
CREATE INDEX fpt_webhooks_claim_at ON fpt_webhooks_claim (state, at);

CREATE TABLE fpt_webhooks_inbox (
    id          INTEGER PRIMARY KEY,  -- in the order of arrival
    endpoint    BLOB NOT NULL,
    key         BLOB NOT NULL,
    state       INTEGER NOT NULL,
    fence       INTEGER NOT NULL,     -- 0: no token is good
    failures    INTEGER NOT NULL,
    type        BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    at          INTEGER NOT NULL,     -- done: since when
    until       INTEGER NOT NULL,     -- held: how long
    length      INTEGER NOT NULL,
    UNIQUE (endpoint, key)
) STRICT;
CREATE INDEX fpt_webhooks_inbox_ready ON fpt_webhooks_inbox (endpoint, id) WHERE state = 1;
CREATE INDEX fpt_webhooks_inbox_held ON fpt_webhooks_inbox (until) WHERE state = 2;
CREATE INDEX fpt_webhooks_inbox_done ON fpt_webhooks_inbox (at) WHERE state = 3;

-- Apart from its key, which is remembered longer: pages of old bodies become free whole.
CREATE TABLE fpt_webhooks_inbox_body (
    item INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE fpt_webhooks_dead_letter (
    id          INTEGER PRIMARY KEY,
    endpoint    BLOB NOT NULL,
    key         BLOB NOT NULL,
    profile     INTEGER NOT NULL,
    type        BLOB NOT NULL,
    reason      INTEGER NOT NULL,
    detail      BLOB NOT NULL,
    failures    INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    body        BLOB NOT NULL,
    UNIQUE (endpoint, key)
) STRICT;
CREATE INDEX fpt_webhooks_dead_letter_endpoint ON fpt_webhooks_dead_letter (endpoint, id);
)";

constexpr std::array<const char*, 1> shipped = {create_tables};

}  // namespace

Schema receiver_schema() noexcept { return {"fpt_webhooks_receiver_version", shipped}; }

}  // namespace fpt_webhooks::inline v0_1::detail
