-- Each leg of each trade, live and found later, once. Decimals are exact text. The key is the time: what is new lies behind what is there.
CREATE TABLE transactions (
    generation          INTEGER NOT NULL,
    time                INTEGER NOT NULL,
    block               INTEGER NOT NULL, -- where the source has none, the time
    idx                 INTEGER NOT NULL,
    wallet              TEXT NOT NULL,
    coin                TEXT NOT NULL,
    side                TEXT NOT NULL,
    px                  TEXT NOT NULL,
    size                TEXT NOT NULL,
    notional            TEXT, -- unknown when it is too large for an exact decimal
    start_position      TEXT NOT NULL,
    dir                 TEXT NOT NULL,
    crossed             INTEGER NOT NULL,
    closed_pnl          TEXT,
    fee                 TEXT,
    fee_token           TEXT,
    hash                TEXT NOT NULL,
    oid                 INTEGER NOT NULL,
    tid                 INTEGER,
    twap_id             INTEGER,
    liquidation_method  TEXT,
    liquidation_mark_px TEXT,
    liquidated_wallet   TEXT,
    notional_key        TEXT NOT NULL, -- sorts where the decimal does
    PRIMARY KEY (generation, time, block, idx, wallet)
) STRICT, WITHOUT ROWID;

-- Of a coin and of a wallet a page is one walk through time; an order and a transaction of the chain have few fills.
CREATE INDEX transactions_by_coin ON transactions (generation, coin, time, block, idx, wallet);
CREATE INDEX transactions_by_wallet ON transactions (generation, wallet, time, block, idx);
CREATE INDEX transactions_by_order ON transactions (generation, oid, time, block, idx, wallet);
CREATE INDEX transactions_by_hash ON transactions (generation, hash, time, block, idx, wallet);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('transactions', 'transactions', '100000000 100000000 100 100 1 1'),
    ('transactions', 'transactions_by_coin', '100000000 100000000 500000 10 10 1 1'),
    ('transactions', 'transactions_by_wallet', '100000000 100000000 5000 3 3 1'),
    ('transactions', 'transactions_by_order', '100000000 100000000 3 2 2 1 1'),
    ('transactions', 'transactions_by_hash', '100000000 100000000 4 2 2 1 1');
ANALYZE sqlite_schema;
