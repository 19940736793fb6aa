-- The statements for SQLite 3.35 or later. {now} is its clock, in milliseconds since 1970.

-- name: create_meta
CREATE TABLE IF NOT EXISTS clarion_meta (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID

-- name: create_event
CREATE TABLE IF NOT EXISTS clarion_event (
    uid TEXT NOT NULL PRIMARY KEY,
    signal TEXT NOT NULL,
    version INTEGER NOT NULL,
    payload BLOB NOT NULL,
    headers TEXT NOT NULL,
    created_at INTEGER NOT NULL
)

-- name: create_delivery
-- AUTOINCREMENT: the id of the last row is not used again, so ids keep the order of the sends.
CREATE TABLE IF NOT EXISTS clarion_delivery (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    receiver TEXT NOT NULL,
    "key" TEXT,
    part INTEGER,
    visible_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT
)

-- name: create_partition
CREATE TABLE IF NOT EXISTS clarion_partition (
    receiver TEXT NOT NULL,
    part INTEGER NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (receiver, part)
) WITHOUT ROWID

-- name: create_blocked
CREATE TABLE IF NOT EXISTS clarion_blocked (
    receiver TEXT NOT NULL,
    "key" TEXT NOT NULL,
    until INTEGER,
    PRIMARY KEY (receiver, "key")
) WITHOUT ROWID

-- name: create_dead
CREATE TABLE IF NOT EXISTS clarion_dead (
    id INTEGER NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    receiver TEXT NOT NULL,
    "key" TEXT,
    part INTEGER,
    failures INTEGER NOT NULL,
    error TEXT NOT NULL,
    died_at INTEGER NOT NULL
)

-- name: create_inbox
-- The calls that have had their effect here: see `receive`.
CREATE TABLE IF NOT EXISTS clarion_inbox (
    receiver TEXT NOT NULL,
    uid TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (receiver, uid)
) WITHOUT ROWID

-- name: create_index_received
CREATE INDEX IF NOT EXISTS clarion_inbox_received ON clarion_inbox (received_at)

-- name: create_index_visible
CREATE INDEX IF NOT EXISTS clarion_delivery_visible
    ON clarion_delivery (receiver, visible_at, id) WHERE part IS NULL

-- name: create_index_part
CREATE INDEX IF NOT EXISTS clarion_delivery_part
    ON clarion_delivery (receiver, part, id) WHERE part IS NOT NULL

-- name: create_index_event
CREATE INDEX IF NOT EXISTS clarion_delivery_event ON clarion_delivery (event)

-- name: create_index_dead
CREATE INDEX IF NOT EXISTS clarion_dead_event ON clarion_dead (event)

-- name: create_index_created
CREATE INDEX IF NOT EXISTS clarion_event_created ON clarion_event (created_at)

-- name: write_version
INSERT INTO clarion_meta (name, value) VALUES ('version', :version) ON CONFLICT (name) DO NOTHING

-- name: read_version
SELECT value FROM clarion_meta WHERE name = 'version'

-- name: now
SELECT {now}

-- name: publish_event
INSERT INTO clarion_event (uid, signal, version, payload, headers, created_at)
VALUES (:uid, :signal, :version, :payload, :headers, {now})

-- name: publish_delivery
-- Once for each delivery. For a statement that inserts several rows, SQLite copies each page that it
-- changes, so that it can undo a half.
INSERT INTO clarion_delivery (event, receiver, "key", part, visible_at)
VALUES (:uid, :receiver, :key, :part, {now} + :delay)

-- name: due
-- A read: an idle worker never takes the lock for writing.
SELECT r.value FROM json_each(:receivers) r
WHERE EXISTS (SELECT 1 FROM clarion_delivery d
    WHERE d.receiver = r.value AND d.part IS NULL AND d.visible_at <= {now})

-- name: hasten
-- Those that were claimed before wait for a retry or for the end of a lease.
UPDATE clarion_delivery SET visible_at = {now}
WHERE attempt = 0 AND visible_at > {now} AND receiver IN (SELECT value FROM json_each(:receivers))

-- name: claim
-- CASE: see `clarion.outbox.lapses`.
UPDATE clarion_delivery SET visible_at = {now} + :lease,
    attempt = attempt + 1 + CASE WHEN attempt / {state} IN (0, 1, 3, 5) THEN {state} ELSE 0 END
WHERE id IN (SELECT id FROM clarion_delivery
    WHERE receiver = :receiver AND part IS NULL AND visible_at <= {now}
    ORDER BY visible_at, id LIMIT :limit)
RETURNING id

-- name: claimed
-- LEFT: a delivery whose event was deleted by hand is given up, and not claimed for ever.
SELECT d.id, d.attempt, d.failures, d."key", d.event, e.signal, e.version, e.payload, e.headers,
    e.created_at
FROM json_each(:ids) i JOIN clarion_delivery d ON d.id = i.value LEFT JOIN clarion_event e ON e.uid = d.event
ORDER BY d.id

-- name: renew
UPDATE clarion_delivery SET visible_at = {now} + :lease
WHERE (id, attempt) IN (SELECT CAST(key AS INTEGER), value FROM json_each(:claims))

-- name: count_held
SELECT count(*) FROM clarion_delivery
WHERE (id, attempt) IN (SELECT CAST(key AS INTEGER), value FROM json_each(:claims))

-- name: settle
DELETE FROM clarion_delivery
WHERE (id, attempt) IN (SELECT CAST(key AS INTEGER), value FROM json_each(:claims))

-- name: hand_back
UPDATE clarion_delivery SET visible_at = {now}, attempt = attempt - (attempt & {state})
WHERE (id, attempt) IN (SELECT CAST(key AS INTEGER), value FROM json_each(:claims))

-- name: begin
-- See `clarion.outbox.lapses`.
UPDATE clarion_delivery SET attempt = :begun WHERE id = :id AND attempt = :attempt

-- name: retry
UPDATE clarion_delivery
SET visible_at = {now} + :delay, failures = failures + 1, error = :error,
    attempt = attempt - (attempt & {state}) + 1 - CASE WHEN attempt / {state} = 6 THEN 2 * {state} ELSE 0 END
WHERE id = :id AND attempt = :attempt

-- name: postpone
UPDATE clarion_delivery SET visible_at = {now} + :delay, attempt = attempt - (attempt & {state}) + 1
WHERE id = :id AND attempt = :attempt

-- name: bury
INSERT INTO clarion_dead (id, event, receiver, "key", part, failures, error, died_at)
SELECT id, event, receiver, "key", part, failures + 1, :error, {now} FROM clarion_delivery
WHERE id = :id AND attempt = :attempt

-- name: add_partitions
INSERT INTO clarion_partition (receiver, part)
SELECT r.value, p.value FROM json_each(:receivers) r CROSS JOIN json_each(:parts) p WHERE true
ON CONFLICT DO NOTHING

-- name: due_partitions
SELECT p.receiver, p.part FROM clarion_partition p JOIN json_each(:receivers) r ON r.value = p.receiver
WHERE p.leased_until <= {now} AND EXISTS (SELECT 1 FROM clarion_delivery d
    WHERE d.receiver = p.receiver AND d.part = p.part AND d.visible_at <= {now}
      AND NOT EXISTS (SELECT 1 FROM clarion_blocked b
        WHERE b.receiver = d.receiver AND b."key" = d."key" AND (b.until IS NULL OR b.until > {now})))

-- name: lease_partition
-- RETURNING has the new values only.
SELECT epoch + 1, leased_until > 0 FROM clarion_partition
WHERE receiver = :receiver AND part = :part AND leased_until <= {now}

-- name: mark_leased
UPDATE clarion_partition SET epoch = :epoch, leased_until = {now} + :lease
WHERE receiver = :receiver AND part = :part

-- name: renew_partition
UPDATE clarion_partition SET leased_until = {now} + :lease
WHERE receiver = :receiver AND part = :part AND epoch = :epoch

-- name: has_partition
SELECT epoch FROM clarion_partition WHERE receiver = :receiver AND part = :part AND epoch = :epoch

-- name: release_partition
UPDATE clarion_partition SET leased_until = 0
WHERE receiver = :receiver AND part = :part AND epoch = :epoch

-- name: hold_partition
SELECT epoch FROM clarion_partition WHERE receiver = :receiver AND part = :part AND epoch = :epoch

-- name: window
SELECT d.id, d.attempt, d.failures, d."key", d.event, e.signal, e.version, e.payload, e.headers,
    e.created_at
FROM clarion_delivery d LEFT JOIN clarion_event e ON e.uid = d.event
WHERE d.receiver = :receiver AND d.part = :part AND d.visible_at <= {now}
  AND NOT EXISTS (SELECT 1 FROM clarion_blocked b
    WHERE b.receiver = d.receiver AND b."key" = d."key" AND (b.until IS NULL OR b.until > {now}))
ORDER BY d.id LIMIT :limit

-- name: block
-- A wait is never made shorter: an earlier delivery of the key may wait for less time than a later one.
INSERT INTO clarion_blocked (receiver, "key", until) VALUES (:receiver, :key, {now} + :delay)
ON CONFLICT (receiver, "key") DO UPDATE SET until = max(until, excluded.until)

-- name: block_dead
INSERT INTO clarion_blocked (receiver, "key", until) VALUES (:receiver, :key, :dead)
ON CONFLICT (receiver, "key") DO UPDATE SET until = max(until, excluded.until)

-- name: unblock
-- A dead delivery goes on blocking.
DELETE FROM clarion_blocked WHERE receiver = :receiver AND "key" = :key AND until < :dead

-- name: unblock_dead
-- NULL: an older Clarion did not store which delivery blocks.
DELETE FROM clarion_blocked
WHERE receiver = :receiver AND "key" = :key AND (until = :dead OR until IS NULL)

-- name: waiting
SELECT receiver, count(*), min(visible_at), sum(failures > 0), sum(attempt >= 2 * {state})
FROM clarion_delivery GROUP BY receiver ORDER BY receiver

-- name: dead
SELECT receiver, count(*) FROM clarion_dead GROUP BY receiver ORDER BY receiver

-- name: list_waiting
SELECT d.receiver, d.id, d.attempt, d.failures, d."key", d.event, e.signal, e.version, e.payload,
    e.headers, e.created_at
FROM clarion_delivery d JOIN clarion_event e ON e.uid = d.event
ORDER BY d.id LIMIT :limit

-- name: count_waits
-- How many deliveries wait for the same reason, and for how long the first one of them waits.
SELECT w.receiver, w.reason, count(*), min(w.ends) - {now} FROM (
    SELECT d.receiver,
        CASE WHEN b.receiver IS NOT NULL AND (b.until IS NULL OR b.until >= :dead) THEN 'blocked'
            WHEN d.visible_at > {now} THEN CASE
                WHEN d.attempt = 0 THEN 'delayed'
                WHEN d.part IS NULL AND d.attempt / {state} IN (1, 3, 5) THEN 'leased'
                WHEN d.failures > 0 THEN 'failed'
                ELSE 'postponed' END
            WHEN b.until > {now} THEN 'behind'
            WHEN p.leased_until > {now} THEN 'leased'
            ELSE 'due' END AS reason,
        CASE WHEN d.visible_at > {now} THEN d.visible_at
            WHEN b.until > {now} THEN b.until
            ELSE p.leased_until END AS ends
    FROM clarion_delivery d
    LEFT JOIN clarion_blocked b ON b.receiver = d.receiver AND b."key" = d."key"
    LEFT JOIN clarion_partition p ON p.receiver = d.receiver AND p.part = d.part) w
GROUP BY w.receiver, w.reason ORDER BY w.receiver, w.reason

-- name: list_suspects
-- The state is in the first bits of `attempt`: see `clarion.outbox.lapses`.
SELECT d.id, d.receiver, e.signal, d."key", d.event, d.failures, d.attempt
FROM clarion_delivery d LEFT JOIN clarion_event e ON e.uid = d.event
WHERE d.attempt >= 2 * {state} ORDER BY d.attempt DESC, d.id LIMIT :limit

-- name: list_dead
SELECT x.id, x.failures, x.receiver, x."key", x.event, e.signal, e.version, e.payload, e.headers,
    e.created_at, x.error, x.died_at
FROM clarion_dead x LEFT JOIN clarion_event e ON e.uid = x.event
WHERE (:receiver IS NULL OR x.receiver = :receiver) AND (:id IS NULL OR x.id = :id)
  AND x.id > :after
ORDER BY x.id LIMIT :limit

-- name: requeue
-- With its old id: it keeps its place among the deliveries of its key.
INSERT INTO clarion_delivery (id, event, receiver, "key", part, visible_at)
SELECT id, event, receiver, "key", part, {now} FROM clarion_dead WHERE id = :id
ON CONFLICT DO NOTHING

-- name: discard
DELETE FROM clarion_dead WHERE id = :id

-- name: receive
-- No row if this receiver has had the call already. A call that is under way elsewhere is waited for.
INSERT INTO clarion_inbox (receiver, uid, received_at) VALUES (:receiver, :uid, {now})
ON CONFLICT (receiver, uid) DO NOTHING

-- name: prune_inbox
DELETE FROM clarion_inbox WHERE (receiver, uid) IN (
    SELECT receiver, uid FROM clarion_inbox WHERE received_at <= {now} - :age
    ORDER BY received_at LIMIT :limit)

-- name: prune
-- Events whose deliveries are all settled. Dead deliveries still need theirs.
DELETE FROM clarion_event WHERE uid IN (
    SELECT e.uid FROM clarion_event e
    WHERE e.created_at <= {now} - :age
      AND NOT EXISTS (SELECT 1 FROM clarion_delivery d WHERE d.event = e.uid)
      AND NOT EXISTS (SELECT 1 FROM clarion_dead x WHERE x.event = e.uid)
    ORDER BY e.created_at LIMIT :limit)
