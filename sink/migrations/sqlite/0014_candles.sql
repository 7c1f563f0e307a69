-- At which prices each coin was traded, per interval and bucket; no row where nothing was. Decimals are exact text.
CREATE TABLE candles (
    generation INTEGER NOT NULL,
    coin       TEXT NOT NULL,
    interval   TEXT NOT NULL,
    time       INTEGER NOT NULL,
    open       TEXT NOT NULL,
    high       TEXT NOT NULL,
    low        TEXT NOT NULL,
    close      TEXT NOT NULL,
    volume     TEXT,
    notional   TEXT,
    trades     INTEGER NOT NULL,
    complete   INTEGER NOT NULL,
    final      INTEGER NOT NULL,
    block      INTEGER NOT NULL,
    clock      INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
) STRICT, WITHOUT ROWID;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('candles', 'candles', '10000000 10000000 50000 17000 1');
ANALYZE sqlite_schema;
