-- What takers bought and sold of all perpetuals together, per interval and bucket; no row where nothing was. Decimals are exact text.
CREATE TABLE market_taker_flow (
    generation    INTEGER NOT NULL,
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
    PRIMARY KEY (generation, interval, time)
) STRICT, WITHOUT ROWID;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('market_taker_flow', 'market_taker_flow', '1000000 1000000 100000 1');
ANALYZE sqlite_schema;
