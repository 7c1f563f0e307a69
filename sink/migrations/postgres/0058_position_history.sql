-- What each position was after each block that changed it, with the flat one that ended it.
CREATE TABLE position_history (
    generation   BIGINT NOT NULL,
    wallet       TEXT COLLATE "C" NOT NULL,
    time         BIGINT NOT NULL,
    coin         TEXT COLLATE "C" NOT NULL,
    block        BIGINT NOT NULL,
    idx          BIGINT NOT NULL,
    side         TEXT COLLATE "C" NOT NULL,
    size         NUMERIC NOT NULL,
    opened_at    BIGINT, -- not known when that was before anything was seen
    entry_px     NUMERIC,
    realised_pnl NUMERIC,
    last_px      NUMERIC NOT NULL,
    PRIMARY KEY (generation, wallet, time, coin, block, idx)
);

-- Of all and of a coin a page is one walk through time, as it is of a wallet by the key.
CREATE INDEX position_history_by_time ON position_history (generation, time, wallet, coin, block, idx);
CREATE INDEX position_history_by_coin ON position_history (generation, coin, time, wallet, block, idx);
