-- The statements for MariaDB 10.6 and MySQL 8.0 or later. {now} is the clock of the server, in
-- milliseconds since 1970. Neither has UPDATE ... RETURNING, so a claim is a SELECT that locks.

-- name: create_meta
CREATE TABLE IF NOT EXISTS clarion_meta (
    name varchar(50) PRIMARY KEY,
    value integer NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: create_event
CREATE TABLE IF NOT EXISTS clarion_event (
    uid char(32) PRIMARY KEY,
    `signal` varchar(200) NOT NULL,
    version integer NOT NULL,
    payload longblob NOT NULL,
    headers longtext NOT NULL,
    created_at bigint NOT NULL,
    KEY clarion_event_created (created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: create_delivery
CREATE TABLE IF NOT EXISTS clarion_delivery (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    event char(32) NOT NULL,
    receiver varchar(200) NOT NULL,
    `key` varchar(255),
    part integer,
    visible_at bigint NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    error longtext,
    KEY clarion_delivery_visible (receiver, part, visible_at, id),
    KEY clarion_delivery_part (receiver, part, id),
    KEY clarion_delivery_event (event)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: create_partition
CREATE TABLE IF NOT EXISTS clarion_partition (
    receiver varchar(200) NOT NULL,
    part integer NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    leased_until bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (receiver, part)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: create_blocked
CREATE TABLE IF NOT EXISTS clarion_blocked (
    receiver varchar(200) NOT NULL,
    `key` varchar(255) NOT NULL,
    until bigint,
    PRIMARY KEY (receiver, `key`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: create_dead
CREATE TABLE IF NOT EXISTS clarion_dead (
    id bigint PRIMARY KEY,
    event char(32) NOT NULL,
    receiver varchar(200) NOT NULL,
    `key` varchar(255),
    part integer,
    failures integer NOT NULL,
    error longtext NOT NULL,
    died_at bigint NOT NULL,
    KEY clarion_dead_event (event)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: create_inbox
-- The calls that have had their effect here: see `receive`.
CREATE TABLE IF NOT EXISTS clarion_inbox (
    receiver varchar(200) NOT NULL,
    uid char(32) NOT NULL,
    received_at bigint NOT NULL,
    PRIMARY KEY (receiver, uid),
    INDEX clarion_inbox_received (received_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: write_version
INSERT IGNORE INTO clarion_meta (name, value) VALUES ('version', :version)

-- name: read_version
SELECT value FROM clarion_meta WHERE name = 'version'

-- name: now
SELECT {now}

-- name: connection_number
SELECT CONNECTION_ID()

-- name: end_connection
KILL :number

-- name: publish_event
INSERT INTO clarion_event (uid, `signal`, version, payload, headers, created_at)
VALUES (:uid, :signal, :version, :payload, :headers, {now})

-- name: publish_few_deliveries
INSERT INTO clarion_delivery (event, receiver, `key`, part, visible_at)
VALUES {rows}

-- name: publish_many_deliveries
-- For more rows, which are one JSON text.
INSERT INTO clarion_delivery (event, receiver, `key`, part, visible_at)
SELECT :uid, r.receiver, r.`key`, r.part, {now} + r.delay
FROM JSON_TABLE(:rows, '$[*]' COLUMNS (place FOR ORDINALITY, receiver varchar(200) PATH '$[0]',
    `key` varchar(255) PATH '$[1]', part int PATH '$[2]', delay bigint PATH '$[3]')) r
ORDER BY r.place

-- name: publish_few
-- The same two statements in one round trip. MySQL has such a block in stored routines only.
BEGIN NOT ATOMIC
{publish_event};
{publish_few_deliveries};
END

-- name: publish_many
BEGIN NOT ATOMIC
{publish_event};
{publish_many_deliveries};
END

-- name: due
SELECT r.value FROM JSON_TABLE(:receivers, '$[*]' COLUMNS (value varchar(200) PATH '$')) r
WHERE EXISTS (SELECT 1 FROM clarion_delivery d
    WHERE d.receiver = r.value AND d.part IS NULL AND d.visible_at <= {now})

-- name: hasten
-- Those that were claimed before wait for a retry or for the end of a lease.
UPDATE clarion_delivery SET visible_at = {now}
WHERE attempt = 0 AND visible_at > {now} AND receiver IN (
    SELECT r.value FROM JSON_TABLE(:receivers, '$[*]' COLUMNS (value varchar(200) PATH '$')) r)

-- name: claim
-- Here and below the rows are read by an index. In a small table the planner prefers to read, and so
-- to lock, every row: those of other workers too.
SELECT id FROM clarion_delivery FORCE INDEX (clarion_delivery_visible)
WHERE receiver = :receiver AND part IS NULL AND visible_at <= {now}
ORDER BY visible_at, id LIMIT :limit FOR UPDATE SKIP LOCKED

-- name: mark_claimed
-- CASE: see `clarion.outbox.lapses`.
UPDATE JSON_TABLE(:ids, '$[*]' COLUMNS (id bigint PATH '$')) i
STRAIGHT_JOIN clarion_delivery d FORCE INDEX (PRIMARY) ON d.id = i.id
SET d.visible_at = {now} + :lease,
    d.attempt = d.attempt + 1 + CASE WHEN d.attempt DIV {state} IN (0, 1, 3, 5) THEN {state} ELSE 0 END

-- name: claimed
-- LEFT: a delivery whose event was deleted by hand is given up, and not claimed for ever.
SELECT d.id, d.attempt, d.failures, d.`key`, d.event, e.`signal`, e.version, e.payload, e.headers,
    e.created_at
FROM JSON_TABLE(:ids, '$[*]' COLUMNS (id bigint PATH '$')) i
JOIN clarion_delivery d ON d.id = i.id LEFT JOIN clarion_event e ON e.uid = d.event
ORDER BY d.id

-- name: renewable
-- Without the rows that a receiver has settled in its own transaction, which may last long.
SELECT d.id
FROM JSON_TABLE(:claims, '$[*]' COLUMNS (id bigint PATH '$[0]', attempt int PATH '$[1]')) c
STRAIGHT_JOIN clarion_delivery d FORCE INDEX (PRIMARY) ON d.id = c.id AND d.attempt = c.attempt
FOR UPDATE SKIP LOCKED

-- name: mark_renewed
UPDATE JSON_TABLE(:ids, '$[*]' COLUMNS (id bigint PATH '$')) i
STRAIGHT_JOIN clarion_delivery d FORCE INDEX (PRIMARY) ON d.id = i.id
SET d.visible_at = {now} + :lease

-- name: count_held
SELECT count(*)
FROM JSON_TABLE(:claims, '$[*]' COLUMNS (id bigint PATH '$[0]', attempt int PATH '$[1]')) c
STRAIGHT_JOIN clarion_delivery d FORCE INDEX (PRIMARY) ON d.id = c.id AND d.attempt = c.attempt

-- name: settle
DELETE d FROM JSON_TABLE(:claims, '$[*]' COLUMNS (id bigint PATH '$[0]', attempt int PATH '$[1]')) c
STRAIGHT_JOIN clarion_delivery d FORCE INDEX (PRIMARY) ON d.id = c.id AND d.attempt = c.attempt

-- name: hand_back
UPDATE JSON_TABLE(:claims, '$[*]' COLUMNS (id bigint PATH '$[0]', attempt int PATH '$[1]')) c
STRAIGHT_JOIN clarion_delivery d FORCE INDEX (PRIMARY) ON d.id = c.id AND d.attempt = c.attempt
SET d.visible_at = {now}, d.attempt = d.attempt - (d.attempt & {state})

-- name: begin
-- See `clarion.outbox.lapses`.
UPDATE clarion_delivery SET attempt = :begun WHERE id = :id AND attempt = :attempt

-- name: retry
UPDATE clarion_delivery
SET visible_at = {now} + :delay, failures = failures + 1, error = :error,
    attempt = attempt - (attempt & {state}) + 1 - CASE WHEN attempt DIV {state} = 6 THEN 2 * {state} ELSE 0 END
WHERE id = :id AND attempt = :attempt

-- name: postpone
UPDATE clarion_delivery SET visible_at = {now} + :delay, attempt = attempt - (attempt & {state}) + 1
WHERE id = :id AND attempt = :attempt

-- name: bury
INSERT INTO clarion_dead (id, event, receiver, `key`, part, failures, error, died_at)
SELECT id, event, receiver, `key`, part, failures + 1, :error, {now} FROM clarion_delivery
WHERE id = :id AND attempt = :attempt

-- name: add_partitions
INSERT IGNORE INTO clarion_partition (receiver, part)
SELECT r.value, p.value FROM JSON_TABLE(:receivers, '$[*]' COLUMNS (value varchar(200) PATH '$')) r
CROSS JOIN JSON_TABLE(:parts, '$[*]' COLUMNS (value int PATH '$')) p

-- name: due_partitions
-- EXISTS could become a join that reads the whole table.
SELECT p.receiver, p.part FROM clarion_partition p JOIN JSON_TABLE(:receivers, '$[*]' COLUMNS (value varchar(200) PATH '$')) r ON r.value = p.receiver
WHERE p.leased_until <= {now} AND (SELECT d.id FROM clarion_delivery d
    WHERE d.receiver = p.receiver AND d.part = p.part AND d.visible_at <= {now}
      AND NOT EXISTS (SELECT 1 FROM clarion_blocked b
        WHERE b.receiver = d.receiver AND b.`key` = d.`key` AND (b.until IS NULL OR b.until > {now}))
    LIMIT 1) IS NOT NULL

-- name: lease_partition
-- A partition whose holder is settling is skipped, not waited for.
SELECT epoch + 1, leased_until > 0 FROM clarion_partition
WHERE receiver = :receiver AND part = :part AND leased_until <= {now} FOR UPDATE SKIP LOCKED

-- name: mark_leased
UPDATE clarion_partition SET epoch = :epoch, leased_until = {now} + :lease
WHERE receiver = :receiver AND part = :part

-- name: renewable_partition
-- It is skipped while a receiver holds it in its own transaction.
SELECT epoch FROM clarion_partition WHERE receiver = :receiver AND part = :part AND epoch = :epoch
FOR UPDATE SKIP LOCKED

-- name: renew_partition
UPDATE clarion_partition SET leased_until = {now} + :lease
WHERE receiver = :receiver AND part = :part AND epoch = :epoch

-- name: has_partition
SELECT epoch FROM clarion_partition WHERE receiver = :receiver AND part = :part AND epoch = :epoch

-- name: release_partition
UPDATE clarion_partition SET leased_until = 0
WHERE receiver = :receiver AND part = :part AND epoch = :epoch

-- name: hold_partition
-- Until the end of the transaction no other worker can lease it.
SELECT epoch FROM clarion_partition WHERE receiver = :receiver AND part = :part AND epoch = :epoch
FOR UPDATE

-- name: window
SELECT d.id, d.attempt, d.failures, d.`key`, d.event, e.`signal`, e.version, e.payload, e.headers,
    e.created_at
FROM clarion_delivery d LEFT JOIN clarion_event e ON e.uid = d.event
WHERE d.receiver = :receiver AND d.part = :part AND d.visible_at <= {now}
  AND NOT EXISTS (SELECT 1 FROM clarion_blocked b
    WHERE b.receiver = d.receiver AND b.`key` = d.`key` AND (b.until IS NULL OR b.until > {now}))
ORDER BY d.id LIMIT :limit

-- name: block
-- A wait is never made shorter: an earlier delivery of the key may wait for less time than a later one.
INSERT INTO clarion_blocked (receiver, `key`, until) VALUES (:receiver, :key, {now} + :delay)
ON DUPLICATE KEY UPDATE until = greatest(until, {now} + :delay)

-- name: block_dead
INSERT INTO clarion_blocked (receiver, `key`, until) VALUES (:receiver, :key, :dead)
ON DUPLICATE KEY UPDATE until = greatest(until, :dead)

-- name: unblock
-- A dead delivery goes on blocking.
DELETE FROM clarion_blocked WHERE receiver = :receiver AND `key` = :key AND until < :dead

-- name: unblock_dead
-- NULL: an older Clarion did not store which delivery blocks.
DELETE FROM clarion_blocked
WHERE receiver = :receiver AND `key` = :key AND (until = :dead OR until IS NULL)

-- name: waiting
SELECT receiver, count(*), min(visible_at), CAST(sum(failures > 0) AS signed),
    CAST(sum(attempt >= 2 * {state}) AS signed)
FROM clarion_delivery GROUP BY receiver ORDER BY receiver

-- name: dead
SELECT receiver, count(*) FROM clarion_dead GROUP BY receiver ORDER BY receiver

-- name: list_waiting
SELECT d.receiver, d.id, d.attempt, d.failures, d.`key`, d.event, e.`signal`, e.version, e.payload,
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
                WHEN d.part IS NULL AND d.attempt DIV {state} IN (1, 3, 5) THEN 'leased'
                WHEN d.failures > 0 THEN 'failed'
                ELSE 'postponed' END
            WHEN b.until > {now} THEN 'behind'
            WHEN p.leased_until > {now} THEN 'leased'
            ELSE 'due' END AS reason,
        CASE WHEN d.visible_at > {now} THEN d.visible_at
            WHEN b.until > {now} THEN b.until
            ELSE p.leased_until END AS ends
    FROM clarion_delivery d
    LEFT JOIN clarion_blocked b ON b.receiver = d.receiver AND b.`key` = d.`key`
    LEFT JOIN clarion_partition p ON p.receiver = d.receiver AND p.part = d.part) w
GROUP BY w.receiver, w.reason ORDER BY w.receiver, w.reason

-- name: list_suspects
-- The state is in the first bits of `attempt`: see `clarion.outbox.lapses`.
SELECT d.id, d.receiver, e.`signal`, d.`key`, d.event, d.failures, d.attempt
FROM clarion_delivery d LEFT JOIN clarion_event e ON e.uid = d.event
WHERE d.attempt >= 2 * {state} ORDER BY d.attempt DESC, d.id LIMIT :limit

-- name: list_dead
SELECT x.id, x.failures, x.receiver, x.`key`, x.event, e.`signal`, e.version, e.payload, e.headers,
    e.created_at, x.error, x.died_at
FROM clarion_dead x LEFT JOIN clarion_event e ON e.uid = x.event
WHERE (:receiver IS NULL OR x.receiver = :receiver) AND (:id IS NULL OR x.id = :id)
  AND x.id > :after
ORDER BY x.id LIMIT :limit

-- name: requeue
-- With its old id: it keeps its place among the deliveries of its key.
INSERT IGNORE INTO clarion_delivery (id, event, receiver, `key`, part, visible_at)
SELECT id, event, receiver, `key`, part, {now} FROM clarion_dead WHERE id = :id

-- name: discard
DELETE FROM clarion_dead WHERE id = :id

-- name: receive
-- No row if this receiver has had the call already. A call that is under way elsewhere is waited for.
INSERT IGNORE INTO clarion_inbox (receiver, uid, received_at) VALUES (:receiver, :uid, {now})

-- name: prune_inbox
DELETE FROM clarion_inbox WHERE received_at <= {now} - :age ORDER BY received_at LIMIT :limit

-- name: prune
-- Events whose deliveries are all settled. Dead deliveries still need theirs.
DELETE FROM clarion_event
WHERE created_at <= {now} - :age
  AND NOT EXISTS (SELECT 1 FROM clarion_delivery d WHERE d.event = clarion_event.uid)
  AND NOT EXISTS (SELECT 1 FROM clarion_dead x WHERE x.event = clarion_event.uid)
ORDER BY created_at LIMIT :limit

