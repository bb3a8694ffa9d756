-- What is asked of a listing of a hundred thousand processes without reading it: the members of a tree, and who goes on
-- by itself. `resting`: suspended, or waits for a person.
ALTER TABLE processes ADD COLUMN root INTEGER NOT NULL DEFAULT 0;
ALTER TABLE processes ADD COLUMN resting INTEGER NOT NULL DEFAULT 0;

UPDATE processes SET
    root = json_extract(body, '$.root'),
    resting = json_extract(body, '$.status') = 'suspended' OR (
        json_extract(body, '$.status') = 'waiting'
        AND coalesce(json_extract(body, '$.wake_at'), 0) = 0
        AND coalesce(json_extract(body, '$.waits_for'), '') <> 'children'
    );

CREATE INDEX trees ON processes (root);
CREATE INDEX awake_processes ON processes (pid) WHERE NOT ended AND NOT resting;
