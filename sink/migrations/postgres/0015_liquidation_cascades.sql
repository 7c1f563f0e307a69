-- Bursts of liquidations of one side of a coin, as they were last published.
CREATE TABLE liquidation_cascades (
    generation    BIGINT NOT NULL,
    coin          TEXT COLLATE "C" NOT NULL,
    side          TEXT COLLATE "C" NOT NULL,
    first_block   BIGINT NOT NULL,
    last_block    BIGINT NOT NULL,
    first_time    BIGINT NOT NULL,
    last_time     BIGINT NOT NULL,
    orders        BIGINT NOT NULL,
    notional      NUMERIC, -- unknown when it is too large for an exact decimal, as is that of the peak
    peak_time     BIGINT NOT NULL,
    peak_notional NUMERIC,
    first_mark_px NUMERIC NOT NULL,
    last_mark_px  NUMERIC NOT NULL,
    complete      BOOLEAN NOT NULL,
    final         BOOLEAN NOT NULL,
    clock         BIGINT NOT NULL,
    PRIMARY KEY (generation, coin, side, first_block)
);

-- A page is one walk through time.
CREATE INDEX liquidation_cascades_by_time ON liquidation_cascades (generation, first_time, coin, side, first_block);
CREATE INDEX liquidation_cascades_by_coin ON liquidation_cascades (generation, coin, first_time, side, first_block);
