-- Raft's entries. committed is the commit index known when the entry was written; crc is of all other columns.
CREATE TABLE log (
	idx        INTEGER PRIMARY KEY,
	term       INTEGER NOT NULL,
	type       INTEGER NOT NULL,
	appended   INTEGER, -- Unix nanoseconds; NULL where the leader gave no time
	data       BLOB,
	extensions BLOB,
	committed  INTEGER NOT NULL,
	crc        INTEGER NOT NULL
) STRICT;

-- Small values: kind 1 is Raft's (term, vote), kind 2 this program's (life, generation, peers).
CREATE TABLE value (
	kind  INTEGER NOT NULL,
	key   TEXT NOT NULL,
	value BLOB NOT NULL,
	crc   INTEGER NOT NULL,
	PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- Filled and emptied at once, to make free pages.
CREATE TABLE reserve (b BLOB) STRICT
