-- What was liquidated of each coin in each step of price and time; no row where nothing was.
CREATE TABLE liquidation_heatmap (
    generation     BIGINT NOT NULL,
    coin           TEXT COLLATE "C" NOT NULL,
    interval       TEXT COLLATE "C" NOT NULL,
    time           BIGINT NOT NULL,
    price_low      NUMERIC NOT NULL,
    price_high     NUMERIC NOT NULL,
    long_orders    BIGINT NOT NULL,
    short_orders   BIGINT NOT NULL,
    long_notional  NUMERIC, -- unknown when it is too large for an exact decimal, as is the next one
    short_notional NUMERIC,
    complete       BOOLEAN NOT NULL,
    final          BOOLEAN NOT NULL,
    block          BIGINT NOT NULL,
    clock          BIGINT NOT NULL,
    PRIMARY KEY (generation, coin, interval, time, price_low)
);
