-- A segment. These tables are fixed for ever: later versions may add tables, never change
-- or drop one. What a later version writes differs inside batch.bytes and layout.bytes.
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE source(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE); -- site, origin, incarnation, stream as in the envelope
CREATE TABLE batch(position INTEGER PRIMARY KEY, source INTEGER NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE UNIQUE INDEX batch_key ON batch(source, seq);
CREATE TABLE layout(name BLOB PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE own(source INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(source, first)) WITHOUT ROWID;
CREATE TABLE other(id INTEGER PRIMARY KEY, source INTEGER NOT NULL, seq INTEGER NOT NULL, checksum INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE(source, seq, checksum));
