-- At which prices each coin was traded, per interval and bucket; no row where nothing was.
CREATE TABLE candles (
    generation BIGINT NOT NULL,
    coin       TEXT COLLATE "C" NOT NULL,
    interval   TEXT COLLATE "C" NOT NULL,
    time       BIGINT NOT NULL,
    open       NUMERIC NOT NULL,
    high       NUMERIC NOT NULL,
    low        NUMERIC NOT NULL,
    close      NUMERIC NOT NULL,
    volume     NUMERIC,
    notional   NUMERIC,
    trades     BIGINT NOT NULL,
    complete   BOOLEAN NOT NULL,
    final      BOOLEAN NOT NULL,
    block      BIGINT NOT NULL,
    clock      BIGINT NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
);
