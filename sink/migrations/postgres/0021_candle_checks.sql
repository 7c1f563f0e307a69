-- Of each coin, how the exchange's own candles compare with those of trades.
CREATE TABLE candle_checks (
    generation      BIGINT NOT NULL,
    coin            TEXT COLLATE "C" NOT NULL,
    since           BIGINT NOT NULL,
    until           BIGINT NOT NULL,
    compared        BIGINT NOT NULL,
    different       BIGINT NOT NULL,
    differences     JSONB NOT NULL,
    only_here       BIGINT NOT NULL,
    only_there      BIGINT NOT NULL,
    not_compared    BIGINT NOT NULL,
    last_difference JSONB, -- none so far
    block           BIGINT NOT NULL,
    clock           BIGINT NOT NULL,
    PRIMARY KEY (generation, coin)
);
