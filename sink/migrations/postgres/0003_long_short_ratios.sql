-- Long and short accounts per coin, interval and bucket. What is not known is NULL.
CREATE TABLE long_short_ratios (
    generation     BIGINT  NOT NULL,
    coin           TEXT    COLLATE "C" NOT NULL,
    interval       TEXT    COLLATE "C" NOT NULL,
    time           BIGINT  NOT NULL,
    long_accounts  BIGINT  NOT NULL,
    short_accounts BIGINT  NOT NULL,
    long_ratio     NUMERIC,
    short_ratio    NUMERIC,
    open           NUMERIC,
    high           NUMERIC,
    low            NUMERIC,
    close          NUMERIC,
    complete       BOOLEAN NOT NULL,
    final          BOOLEAN NOT NULL,
    block          BIGINT  NOT NULL,
    clock          BIGINT  NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
);
