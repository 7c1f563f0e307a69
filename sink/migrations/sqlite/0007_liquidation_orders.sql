-- What one block closed by force of a victim's position, in one way. Decimals are exact text.
CREATE TABLE liquidation_orders (
    generation INTEGER NOT NULL,
    coin       TEXT    NOT NULL,
    wallet     TEXT    NOT NULL,
    block      INTEGER NOT NULL,
    method     TEXT    NOT NULL,
    side       TEXT    NOT NULL,
    time       INTEGER NOT NULL,
    fills      INTEGER NOT NULL,
    size       TEXT    NOT NULL,
    notional   TEXT, -- unknown when it is too large for an exact decimal
    average_px TEXT,
    mark_px    TEXT    NOT NULL,
    closed_pnl TEXT    NOT NULL,
    remaining  TEXT    NOT NULL,
    PRIMARY KEY (generation, coin, wallet, block, method)
) STRICT, WITHOUT ROWID;

-- A page is one walk through time: of all coins, of one, or of one wallet.
CREATE INDEX liquidation_orders_by_time ON liquidation_orders (generation, time, coin, wallet, block, method);
CREATE INDEX liquidation_orders_by_coin ON liquidation_orders (generation, coin, time, wallet, block, method);
CREATE INDEX liquidation_orders_by_wallet ON liquidation_orders (generation, wallet, time, coin, block, method);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidation_orders', 'liquidation_orders', '3000000 3000000 15000 4 1 1'),
    ('liquidation_orders', 'liquidation_orders_by_time', '3000000 3000000 3 2 1 1 1'),
    ('liquidation_orders', 'liquidation_orders_by_coin', '3000000 3000000 15000 2 1 1 1'),
    ('liquidation_orders', 'liquidation_orders_by_wallet', '3000000 3000000 10 2 1 1 1');
ANALYZE sqlite_schema;
