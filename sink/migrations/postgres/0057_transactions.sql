-- Each leg of each trade, live and found later, once. The key is the time: what is new lies behind what is there.
CREATE TABLE transactions (
    generation          BIGINT NOT NULL,
    time                BIGINT NOT NULL,
    block               BIGINT NOT NULL, -- where the source has none, the time
    idx                 BIGINT NOT NULL,
    wallet              TEXT COLLATE "C" NOT NULL,
    coin                TEXT COLLATE "C" NOT NULL,
    side                TEXT COLLATE "C" NOT NULL,
    px                  NUMERIC NOT NULL,
    size                NUMERIC NOT NULL,
    notional            NUMERIC, -- unknown when it is too large for an exact decimal
    start_position      NUMERIC NOT NULL,
    dir                 TEXT COLLATE "C" NOT NULL,
    crossed             BOOLEAN NOT NULL,
    closed_pnl          NUMERIC,
    fee                 NUMERIC,
    fee_token           TEXT COLLATE "C",
    hash                TEXT COLLATE "C" NOT NULL,
    oid                 BIGINT NOT NULL,
    tid                 BIGINT,
    twap_id             BIGINT,
    liquidation_method  TEXT COLLATE "C",
    liquidation_mark_px NUMERIC,
    liquidated_wallet   TEXT COLLATE "C",
    PRIMARY KEY (generation, time, block, idx, wallet)
);

-- Of a coin and of a wallet a page is one walk through time; an order and a transaction of the chain have few fills.
CREATE INDEX transactions_by_coin ON transactions (generation, coin, time, block, idx, wallet);
CREATE INDEX transactions_by_wallet ON transactions (generation, wallet, time, block, idx);
CREATE INDEX transactions_by_order ON transactions (generation, oid, time, block, idx, wallet);
CREATE INDEX transactions_by_hash ON transactions (generation, hash, time, block, idx, wallet);
