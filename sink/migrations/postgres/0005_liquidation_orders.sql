-- What one block closed by force of a victim's position, in one way.
CREATE TABLE liquidation_orders (
    generation BIGINT  NOT NULL,
    coin       TEXT    COLLATE "C" NOT NULL,
    wallet     TEXT    COLLATE "C" NOT NULL,
    block      BIGINT  NOT NULL,
    method     TEXT    COLLATE "C" NOT NULL,
    side       TEXT    COLLATE "C" NOT NULL,
    time       BIGINT  NOT NULL,
    fills      BIGINT  NOT NULL,
    size       NUMERIC NOT NULL,
    notional   NUMERIC, -- unknown when it is too large for an exact decimal
    average_px NUMERIC,
    mark_px    NUMERIC NOT NULL,
    closed_pnl NUMERIC NOT NULL,
    remaining  NUMERIC NOT NULL,
    PRIMARY KEY (generation, coin, wallet, block, method)
);

-- A page is one walk through time: of all coins, of one, or of one wallet.
CREATE INDEX liquidation_orders_by_time ON liquidation_orders (generation, time, coin, wallet, block, method);
CREATE INDEX liquidation_orders_by_coin ON liquidation_orders (generation, coin, time, wallet, block, method);
CREATE INDEX liquidation_orders_by_wallet ON liquidation_orders (generation, wallet, time, coin, block, method);
