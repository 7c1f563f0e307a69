-- What each position was after each block that changed it, with the flat one that ended it. Decimals are exact text.
CREATE TABLE position_history (
    generation   INTEGER NOT NULL,
    wallet       TEXT NOT NULL,
    time         INTEGER NOT NULL,
    coin         TEXT NOT NULL,
    block        INTEGER NOT NULL,
    idx          INTEGER NOT NULL,
    side         TEXT NOT NULL,
    size         TEXT NOT NULL,
    opened_at    INTEGER, -- not known when that was before anything was seen
    entry_px     TEXT,
    realised_pnl TEXT,
    last_px      TEXT NOT NULL,
    PRIMARY KEY (generation, wallet, time, coin, block, idx)
) STRICT, WITHOUT ROWID;

-- Of all and of a coin a page is one walk through time, as it is of a wallet by the key.
CREATE INDEX position_history_by_time ON position_history (generation, time, wallet, coin, block, idx);
CREATE INDEX position_history_by_coin ON position_history (generation, coin, time, wallet, block, idx);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('position_history', 'position_history', '100000000 100000000 5000 2 1 1 1'),
    ('position_history', 'position_history_by_time', '100000000 100000000 100 2 1 1 1'),
    ('position_history', 'position_history_by_coin', '100000000 100000000 500000 10 1 1 1');
ANALYZE sqlite_schema;
