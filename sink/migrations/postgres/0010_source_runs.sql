-- What each run of a source has given, as far as it was said last: a connection, or a reading of its files.
CREATE TABLE source_runs (
    generation   BIGINT NOT NULL,
    source       TEXT   COLLATE "C" NOT NULL,
    stream       TEXT   COLLATE "C" NOT NULL,
    started      BIGINT NOT NULL,
    time         BIGINT NOT NULL,
    ended        BIGINT,
    frames       BIGINT NOT NULL,
    bytes        BIGINT NOT NULL,
    facts        BIGINT NOT NULL,
    duplicates   BIGINT NOT NULL,
    gaps         BIGINT NOT NULL,
    dead_letters BIGINT NOT NULL,
    first_block  BIGINT, -- the first that was said, as is first_time
    last_block   BIGINT,
    first_time   BIGINT,
    last_time    BIGINT,
    lag_ms       BIGINT,
    cursor       TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (generation, source, stream, started)
);

-- A page is one walk through time: of all runs, of those of one source, or by the key of those of one stream.
CREATE INDEX source_runs_by_time ON source_runs (generation, started, source, stream);
CREATE INDEX source_runs_by_source ON source_runs (generation, source, started, stream);
