#include "sender_sqlite/schema.hpp"

#include <array>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// Times are milliseconds since 1970, UTC; enumerations are the numbers in the public headers.
constexpr const char* create_tables = R"(
CREATE TABLE fpt_webhooks_meta (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    epoch         INTEGER NOT NULL,   -- of the last dispatcher
    last_delivery INTEGER NOT NULL,   -- ids are never used twice
    last_change   INTEGER NOT NULL,   -- of subscriptions
    pending       INTEGER NOT NULL    -- deliveries that are fresh or waiting
) STRICT;
INSERT INTO fpt_webhooks_meta VALUES (1, 0, 0, 0, 0);

CREATE TABLE fpt_webhooks_event (
    seq      INTEGER PRIMARY KEY,     -- in the order of commits
    event_id BLOB NOT NULL UNIQUE,
    hash     BLOB NOT NULL,           -- SHA-256 of the body
    profile  INTEGER NOT NULL,
    type     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    whole    INTEGER NOT NULL         -- 1: its body is kept
) STRICT;
CREATE INDEX fpt_webhooks_event_whole ON fpt_webhooks_event (at) WHERE whole = 1;
CREATE INDEX fpt_webhooks_event_bare ON fpt_webhooks_event (at) WHERE whole = 0;

-- Apart from its event, whose id is remembered longer: pages of old bodies become free whole.
CREATE TABLE fpt_webhooks_body (
    event INTEGER PRIMARY KEY,
    body  BLOB NOT NULL
) STRICT;

CREATE TABLE fpt_webhooks_delivery (
    id            INTEGER PRIMARY KEY,
    subscription  INTEGER NOT NULL,
    event         INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    reason        INTEGER NOT NULL,
    replay        INTEGER NOT NULL,   -- 1: made by a replay, 2: a test
    pii           INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    queued_at     INTEGER NOT NULL,
    due           INTEGER,            -- while it waits
    ended_at      INTEGER,
    first_started INTEGER             -- of its first attempt
) STRICT;
CREATE INDEX fpt_webhooks_delivery_fresh ON fpt_webhooks_delivery (id) WHERE state = 0;
CREATE INDEX fpt_webhooks_delivery_waiting ON fpt_webhooks_delivery (subscription, due, id) WHERE state = 1;
CREATE INDEX fpt_webhooks_delivery_ended ON fpt_webhooks_delivery (ended_at) WHERE state >= 2;
CREATE INDEX fpt_webhooks_delivery_skipped ON fpt_webhooks_delivery (subscription, id) WHERE state = 5;
CREATE INDEX fpt_webhooks_delivery_event ON fpt_webhooks_delivery (event);

CREATE TABLE fpt_webhooks_attempt (
    delivery INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    started  INTEGER NOT NULL,
    duration INTEGER NOT NULL,        -- milliseconds
    status   INTEGER NOT NULL,
    error    INTEGER,
    detail   TEXT NOT NULL,
    head     BLOB NOT NULL,           -- of the response to a failed one
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- Attempts that have started and have not come back.
CREATE TABLE fpt_webhooks_flight (
    delivery INTEGER PRIMARY KEY,
    number   INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT;

CREATE TABLE fpt_webhooks_subscription (
    id             INTEGER PRIMARY KEY,
    url            TEXT NOT NULL,
    scope_kind     INTEGER NOT NULL,
    scope_id       INTEGER NOT NULL,
    scope_tenant   INTEGER NOT NULL,
    events         TEXT NOT NULL,     -- patterns, one a line
    status         INTEGER NOT NULL,
    pii            INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    secret_number  INTEGER NOT NULL,
    deleted        INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL,
    change         INTEGER NOT NULL,  -- the last one
    cuts           INTEGER NOT NULL,  -- how many
    streak_started INTEGER,
    streak_last    INTEGER,
    streak_warned  INTEGER
) STRICT;
CREATE UNIQUE INDEX fpt_webhooks_subscription_change ON fpt_webhooks_subscription (change);

-- What changes with each delivery of a subscription, in few small rows.
CREATE TABLE fpt_webhooks_count (
    subscription INTEGER PRIMARY KEY,
    pending      INTEGER NOT NULL,
    skipped      INTEGER NOT NULL     -- kept records
) STRICT;

-- Who wants what; looked up with equality only.
CREATE TABLE fpt_webhooks_choice (
    scope_kind   INTEGER NOT NULL,
    scope_id     INTEGER NOT NULL,
    scope_tenant INTEGER NOT NULL,
    pattern      TEXT NOT NULL,
    subscription INTEGER NOT NULL,
    PRIMARY KEY (scope_kind, scope_id, scope_tenant, pattern, subscription)
) STRICT, WITHOUT ROWID;

CREATE TABLE fpt_webhooks_cut (
    subscription INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    up_to        INTEGER NOT NULL,
    keep         TEXT,                -- patterns, one a line
    reason       INTEGER NOT NULL,
    pii          INTEGER NOT NULL,
    PRIMARY KEY (subscription, number)
) STRICT, WITHOUT ROWID;

-- Contacts whose changes are coalesced: what is known of them, or their open window.
CREATE TABLE fpt_webhooks_contact (
    location INTEGER NOT NULL,
    contact  INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    record   BLOB NOT NULL,           -- empty: nothing is known any more
    due      INTEGER,                 -- when its window closes
    PRIMARY KEY (location, contact)
) STRICT, WITHOUT ROWID;
CREATE INDEX fpt_webhooks_contact_due ON fpt_webhooks_contact (due) WHERE due IS NOT NULL;

CREATE TABLE fpt_webhooks_secret (
    subscription INTEGER PRIMARY KEY,
    number       INTEGER NOT NULL,
    nonce        BLOB NOT NULL,
    ciphertext   BLOB NOT NULL        -- AES-256-GCM, bound to subscription and number
) STRICT;
)";

constexpr const char* order_by_contact = R"(
ALTER TABLE fpt_webhooks_event ADD COLUMN contact INTEGER;     -- that it is about: location << 32 | contact
ALTER TABLE fpt_webhooks_delivery ADD COLUMN contact INTEGER;  -- the same, where the subscription is fifo_per_contact
ALTER TABLE fpt_webhooks_subscription ADD COLUMN fifo_per_contact INTEGER NOT NULL DEFAULT 0;
CREATE INDEX fpt_webhooks_delivery_contact ON fpt_webhooks_delivery (subscription, contact, id)
    WHERE state = 1 AND contact IS NOT NULL;
CREATE INDEX fpt_webhooks_subscription_url ON fpt_webhooks_subscription (url) WHERE deleted = 0;
)";

constexpr std::array<const char*, 2> shipped = {create_tables, order_by_contact};

}  // namespace

std::span<const char* const> migrations() noexcept { return shipped; }

Schema schema_of(std::span<const char* const> steps) noexcept { return {"fpt_webhooks_version", steps}; }

}  // namespace fpt_webhooks::inline v0_1::detail
