-- What takers bought and sold of each coin, per interval and bucket; no row where nothing was. Decimals are exact text.
CREATE TABLE taker_flow (
    generation    INTEGER NOT NULL,
    coin          TEXT NOT NULL,
    interval      TEXT NOT NULL,
    time          INTEGER NOT NULL,
    buy_notional  TEXT,
    sell_notional TEXT,
    buy_trades    INTEGER NOT NULL,
    sell_trades   INTEGER NOT NULL,
    ratio         TEXT,
    complete      INTEGER NOT NULL,
    final         INTEGER NOT NULL,
    block         INTEGER NOT NULL,
    clock         INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
) STRICT, WITHOUT ROWID;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('taker_flow', 'taker_flow', '10000000 10000000 50000 17000 1');
ANALYZE sqlite_schema;
