-- What would be liquidated of each coin at which price, as it stood last in each quarter of an hour.
CREATE TABLE liquidation_map (
    generation    BIGINT NOT NULL,
    coin          TEXT COLLATE "C" NOT NULL,
    interval      TEXT COLLATE "C" NOT NULL,
    time          BIGINT NOT NULL,
    mark_px       NUMERIC NOT NULL,
    open_interest NUMERIC NOT NULL,
    long          JSONB NOT NULL, -- it is only ever read whole, as the next two are
    short         JSONB NOT NULL,
    bins          JSONB NOT NULL,
    complete      BOOLEAN NOT NULL,
    block         BIGINT NOT NULL,
    clock         BIGINT NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
);
