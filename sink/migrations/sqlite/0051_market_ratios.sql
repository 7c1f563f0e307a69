-- How the wallets of the whole market stand, of each kind and cohort, '' where there is none, per interval and bucket. Decimals are
-- exact text; what is not known is NULL.
CREATE TABLE market_ratios (
    generation     INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    cohort         TEXT NOT NULL,
    interval       TEXT NOT NULL,
    time           INTEGER NOT NULL,
    accounts       INTEGER NOT NULL,
    not_valued     INTEGER NOT NULL,
    long_accounts  INTEGER NOT NULL,
    short_accounts INTEGER NOT NULL,
    long_notional  TEXT,
    short_notional TEXT,
    long_ratio     TEXT,
    short_ratio    TEXT,
    open           TEXT,
    high           TEXT,
    low            TEXT,
    close          TEXT,
    complete       INTEGER NOT NULL,
    final          INTEGER NOT NULL,
    block          INTEGER NOT NULL,
    clock          INTEGER NOT NULL,
    PRIMARY KEY (generation, kind, cohort, interval, time)
) STRICT, WITHOUT ROWID;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('market_ratios', 'market_ratios', '10000000 10000000 2000000 700000 70000 1');
ANALYZE sqlite_schema;
