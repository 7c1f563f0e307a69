-- What was liquidated of each coin, per interval and bucket, by side and method; no row where nothing was. Decimals are exact text.
CREATE TABLE liquidation_stats (
    generation INTEGER NOT NULL,
    coin       TEXT NOT NULL,
    interval   TEXT NOT NULL,
    time       INTEGER NOT NULL,
    long       TEXT NOT NULL, -- JSON, by method; it is only ever read whole, as the next two are
    short      TEXT NOT NULL,
    largest    TEXT,
    complete   INTEGER NOT NULL,
    final      INTEGER NOT NULL,
    block      INTEGER NOT NULL,
    clock      INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
) STRICT, WITHOUT ROWID;

-- A page is one walk through time.
CREATE INDEX liquidation_stats_by_time ON liquidation_stats (generation, interval, time, coin);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidation_stats', 'liquidation_stats', '1000000 1000000 5000 1700 1'),
    ('liquidation_stats', 'liquidation_stats_by_time', '1000000 1000000 300000 20 1');
ANALYZE sqlite_schema;
