-- Of each coin, how the exchange's own candles compare with those of trades.
CREATE TABLE candle_checks (
    generation      INTEGER NOT NULL,
    coin            TEXT NOT NULL,
    since           INTEGER NOT NULL,
    until           INTEGER NOT NULL,
    compared        INTEGER NOT NULL,
    different       INTEGER NOT NULL,
    differences     TEXT NOT NULL,
    only_here       INTEGER NOT NULL,
    only_there      INTEGER NOT NULL,
    not_compared    INTEGER NOT NULL,
    last_difference TEXT, -- none so far
    block           INTEGER NOT NULL,
    clock           INTEGER NOT NULL,
    PRIMARY KEY (generation, coin)
) STRICT, WITHOUT ROWID;
