-- What each run of a source has given, as far as it was said last: a connection, or a reading of its files.
CREATE TABLE source_runs (
    generation   INTEGER NOT NULL,
    source       TEXT    NOT NULL,
    stream       TEXT    NOT NULL,
    started      INTEGER NOT NULL,
    time         INTEGER NOT NULL,
    ended        INTEGER,
    frames       INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    facts        INTEGER NOT NULL,
    duplicates   INTEGER NOT NULL,
    gaps         INTEGER NOT NULL,
    dead_letters INTEGER NOT NULL,
    first_block  INTEGER, -- the first that was said, as is first_time
    last_block   INTEGER,
    first_time   INTEGER,
    last_time    INTEGER,
    lag_ms       INTEGER,
    cursor       TEXT    NOT NULL,
    PRIMARY KEY (generation, source, stream, started)
) STRICT, WITHOUT ROWID;

-- A page is one walk through time: of all runs, of those of one source, or by the key of those of one stream.
CREATE INDEX source_runs_by_time ON source_runs (generation, started, source, stream);
CREATE INDEX source_runs_by_source ON source_runs (generation, source, started, stream);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('source_runs', 'source_runs', '100000 100000 20000 2000 1'),
    ('source_runs', 'source_runs_by_time', '100000 100000 1 1 1'),
    ('source_runs', 'source_runs_by_source', '100000 100000 20000 1 1');
ANALYZE sqlite_schema;
