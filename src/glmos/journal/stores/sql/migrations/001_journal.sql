-- "GLMO": tells this database from any other SQLite file.
PRAGMA application_id = 0x474C4D4F;

-- `id` orders the events of all processes as they were committed. Bodies are JSON.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    pid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (pid, seq)
) STRICT;

-- The listing: one row per process, rebuildable from events. `ended`: it has exited.
CREATE TABLE processes (
    pid INTEGER PRIMARY KEY,
    ended INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX live_processes ON processes (pid) WHERE NOT ended;

-- The newest folded state of each process, compressed. May be deleted at any time.
CREATE TABLE snapshots (
    pid INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    version TEXT NOT NULL,
    data BLOB NOT NULL
) STRICT;

-- `pids`: the highest process number that may have been given out.
-- `failed_commits`: written after a commit failed, see writer.py.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('pids', 0), ('failed_commits', 0);
