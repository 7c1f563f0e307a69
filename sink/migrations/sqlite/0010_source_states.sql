-- Whether each source is heard, as was said last.
CREATE TABLE source_states (
    generation INTEGER NOT NULL,
    source     TEXT    NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('connected', 'disconnected', 'stale')),
    time       INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    PRIMARY KEY (generation, source)
) STRICT, WITHOUT ROWID;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('source_states', 'source_states', '10 10 1');
ANALYZE sqlite_schema;
