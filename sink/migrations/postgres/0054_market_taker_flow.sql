-- What takers bought and sold of all perpetuals together, per interval and bucket; no row where nothing was.
CREATE TABLE market_taker_flow (
    generation    BIGINT NOT NULL,
    interval      TEXT COLLATE "C" NOT NULL,
    time          BIGINT NOT NULL,
    buy_notional  NUMERIC,
    sell_notional NUMERIC,
    buy_trades    BIGINT NOT NULL,
    sell_trades   BIGINT NOT NULL,
    ratio         NUMERIC,
    complete      BOOLEAN NOT NULL,
    final         BOOLEAN NOT NULL,
    block         BIGINT NOT NULL,
    clock         BIGINT NOT NULL,
    PRIMARY KEY (generation, interval, time)
);
