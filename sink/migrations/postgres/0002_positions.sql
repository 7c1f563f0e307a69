-- What each wallet holds in each coin; a position that was closed has no row.
CREATE TABLE positions (
    generation BIGINT  NOT NULL,
    coin       TEXT    COLLATE "C" NOT NULL,
    wallet     TEXT    COLLATE "C" NOT NULL,
    side       TEXT    COLLATE "C" NOT NULL CHECK (side IN ('long', 'short')),
    size       NUMERIC NOT NULL,
    opened_at  BIGINT, -- unknown when the position is older than what was seen
    changed_at BIGINT  NOT NULL,
    last_px    NUMERIC NOT NULL,
    block      BIGINT  NOT NULL,
    idx        BIGINT  NOT NULL,
    clock      BIGINT  NOT NULL,
    PRIMARY KEY (generation, coin, wallet)
);

-- "What does this wallet hold" would otherwise read every coin.
CREATE INDEX positions_by_wallet ON positions (generation, wallet, coin);
