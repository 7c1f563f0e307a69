-- How the wallets of the whole market stand, of each kind and cohort, '' where there is none, per interval and bucket. What is
-- not known is NULL.
CREATE TABLE market_ratios (
    generation     BIGINT NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL,
    cohort         TEXT COLLATE "C" NOT NULL,
    interval       TEXT COLLATE "C" NOT NULL,
    time           BIGINT NOT NULL,
    accounts       BIGINT NOT NULL,
    not_valued     BIGINT NOT NULL,
    long_accounts  BIGINT NOT NULL,
    short_accounts BIGINT NOT NULL,
    long_notional  NUMERIC,
    short_notional NUMERIC,
    long_ratio     NUMERIC,
    short_ratio    NUMERIC,
    open           NUMERIC,
    high           NUMERIC,
    low            NUMERIC,
    close          NUMERIC,
    complete       BOOLEAN NOT NULL,
    final          BOOLEAN NOT NULL,
    block          BIGINT NOT NULL,
    clock          BIGINT NOT NULL,
    PRIMARY KEY (generation, kind, cohort, interval, time)
);
