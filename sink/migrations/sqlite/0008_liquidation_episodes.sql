-- Liquidation orders of one victim, coin and side that belong together, as they were last published.
CREATE TABLE liquidation_episodes (
    generation        INTEGER NOT NULL,
    coin              TEXT    NOT NULL,
    wallet            TEXT    NOT NULL,
    first_block       INTEGER NOT NULL,
    side              TEXT    NOT NULL,
    last_block        INTEGER NOT NULL,
    first_time        INTEGER NOT NULL,
    last_time         INTEGER NOT NULL,
    orders            INTEGER NOT NULL,
    fills             INTEGER NOT NULL,
    size              TEXT    NOT NULL,
    notional          TEXT, -- unknown when it is too large for an exact decimal, as are the other two
    average_px        TEXT,
    backstop_notional TEXT,
    adl_size          TEXT    NOT NULL,
    adl_notional      TEXT,
    closed_pnl        TEXT    NOT NULL,
    remaining         TEXT    NOT NULL,
    complete          INTEGER NOT NULL,
    final             INTEGER NOT NULL,
    clock             INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, wallet, first_block, side)
) STRICT, WITHOUT ROWID;

-- A page is one walk through time: of all coins, of one, or of one wallet.
CREATE INDEX liquidation_episodes_by_time ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side);
CREATE INDEX liquidation_episodes_by_coin ON liquidation_episodes (generation, coin, first_time, wallet, first_block, side);
CREATE INDEX liquidation_episodes_by_wallet ON liquidation_episodes (generation, wallet, first_time, coin, first_block, side);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidation_episodes', 'liquidation_episodes', '1000000 1000000 5000 2 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_by_time', '1000000 1000000 2 2 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_by_coin', '1000000 1000000 5000 2 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_by_wallet', '1000000 1000000 5 2 1 1 1');
ANALYZE sqlite_schema;
