-- head --
SELECT seq FROM events WHERE pid = :pid ORDER BY seq DESC LIMIT 1

-- last_id --
-- Where the journal ends, all processes together.
SELECT coalesce(max(id), 0) FROM events

-- insert_event --
-- The body arrives as UTF-8 bytes and is kept as text, so that it can be read with any SQLite shell.
INSERT INTO events (pid, seq, at, body, seal) VALUES (:pid, :seq, :at, CAST(:body AS TEXT), :seal)

-- put_row --
INSERT INTO processes (pid, root, ended, resting, body, seal)
VALUES (:pid, :root, :ended, :resting, CAST(:body AS TEXT), :seal)
ON CONFLICT (pid) DO UPDATE SET
    root = excluded.root, ended = excluded.ended, resting = excluded.resting, body = excluded.body, seal = excluded.seal

-- read_log --
SELECT seq, at, body, seal FROM events WHERE pid = :pid AND seq > :after ORDER BY seq LIMIT :limit

-- read_all --
SELECT id, pid, seq, at, body, seal FROM events WHERE id > :after ORDER BY id LIMIT :limit

-- rows --
SELECT pid, root, ended, resting, body, seal FROM processes ORDER BY pid DESC LIMIT :limit

-- live_rows --
SELECT pid, root, ended, resting, body, seal FROM processes WHERE NOT ended ORDER BY pid DESC LIMIT :limit

-- awake_rows --
SELECT pid, root, ended, resting, body, seal FROM processes WHERE NOT ended AND NOT resting ORDER BY pid DESC LIMIT :limit

-- unattended --
SELECT pid, root, ended, resting, body, seal FROM processes WHERE NOT ended AND NOT resting
UNION ALL
SELECT child.pid, child.root, child.ended, child.resting, child.body, child.seal FROM processes AS child
JOIN processes AS parent ON parent.pid = json_extract(child.body, '$.parent')
WHERE NOT child.ended AND child.resting AND child.root <> child.pid AND parent.ended
ORDER BY pid

-- tree --
SELECT pid, root, ended, resting, body, seal FROM processes WHERE root = :root ORDER BY pid

-- row --
SELECT pid, root, ended, resting, body, seal FROM processes WHERE pid = :pid

-- put_snapshot --
-- Only forwards: what was folded further is newer.
INSERT INTO snapshots (pid, seq, version, data) VALUES (:pid, :seq, :version, :data)
ON CONFLICT (pid) DO UPDATE SET seq = excluded.seq, version = excluded.version, data = excluded.data
WHERE excluded.seq >= seq

-- get_snapshot --
SELECT seq, version, data FROM snapshots WHERE pid = :pid

-- reserve_pids --
-- Also counts above whatever a log already uses, for a journal that was put together by hand.
UPDATE counters SET value = max(value, (SELECT coalesce(max(pid), 0) FROM events)) + :count
WHERE name = 'pids' RETURNING value

-- return_pids --
-- Give back the end of a reservation nobody used, unless somebody else reserved after it.
UPDATE counters SET value = :last WHERE name = 'pids' AND value = :reserved

-- note_failed_commit --
UPDATE counters SET value = value + 1 WHERE name = 'failed_commits'
