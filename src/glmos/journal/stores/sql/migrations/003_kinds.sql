-- The kind of an event stands in its body; a column beside it said the same again.
ALTER TABLE events DROP COLUMN type;
ALTER TABLE events ADD COLUMN type TEXT GENERATED ALWAYS AS (json_extract(body, '$.type')) VIRTUAL;
