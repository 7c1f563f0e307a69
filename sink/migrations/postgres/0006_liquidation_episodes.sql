-- Liquidation orders of one victim, coin and side that belong together, as they were last published.
CREATE TABLE liquidation_episodes (
    generation        BIGINT  NOT NULL,
    coin              TEXT    COLLATE "C" NOT NULL,
    wallet            TEXT    COLLATE "C" NOT NULL,
    first_block       BIGINT  NOT NULL,
    side              TEXT    COLLATE "C" NOT NULL,
    last_block        BIGINT  NOT NULL,
    first_time        BIGINT  NOT NULL,
    last_time         BIGINT  NOT NULL,
    orders            BIGINT  NOT NULL,
    fills             BIGINT  NOT NULL,
    size              NUMERIC NOT NULL,
    notional          NUMERIC, -- unknown when it is too large for an exact decimal, as are the other two
    average_px        NUMERIC,
    backstop_notional NUMERIC,
    adl_size          NUMERIC NOT NULL,
    adl_notional      NUMERIC,
    closed_pnl        NUMERIC NOT NULL,
    remaining         NUMERIC NOT NULL,
    complete          BOOLEAN NOT NULL,
    final             BOOLEAN NOT NULL,
    clock             BIGINT  NOT NULL,
    PRIMARY KEY (generation, coin, wallet, first_block, side)
);

-- A page is one walk through time: of all coins, of one, or of one wallet.
CREATE INDEX liquidation_episodes_by_time ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side);
CREATE INDEX liquidation_episodes_by_coin ON liquidation_episodes (generation, coin, first_time, wallet, first_block, side);
CREATE INDEX liquidation_episodes_by_wallet ON liquidation_episodes (generation, wallet, first_time, coin, first_block, side);
