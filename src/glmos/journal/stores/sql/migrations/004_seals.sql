-- A checksum of what a row says: a flipped bit must not pass for something that happened. NULL: written before there were any.
ALTER TABLE events ADD COLUMN seal INTEGER;
ALTER TABLE processes ADD COLUMN seal INTEGER;
