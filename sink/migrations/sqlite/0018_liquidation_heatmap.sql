-- What was liquidated of each coin in each step of price and time; no row where nothing was. Decimals are exact text.
CREATE TABLE liquidation_heatmap (
    generation     INTEGER NOT NULL,
    coin           TEXT NOT NULL,
    interval       TEXT NOT NULL,
    time           INTEGER NOT NULL,
    price_low      TEXT NOT NULL,
    price_high     TEXT NOT NULL,
    long_orders    INTEGER NOT NULL,
    short_orders   INTEGER NOT NULL,
    long_notional  TEXT, -- unknown when it is too large for an exact decimal, as is the next one
    short_notional TEXT,
    complete       INTEGER NOT NULL,
    final          INTEGER NOT NULL,
    block          INTEGER NOT NULL,
    clock          INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, interval, time, price_low)
) STRICT, WITHOUT ROWID;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidation_heatmap', 'liquidation_heatmap', '1000000 1000000 5000 1700 10 1');
ANALYZE sqlite_schema;
