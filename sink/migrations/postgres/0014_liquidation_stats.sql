-- What was liquidated of each coin, per interval and bucket, by side and method; no row where nothing was.
CREATE TABLE liquidation_stats (
    generation BIGINT NOT NULL,
    coin       TEXT COLLATE "C" NOT NULL,
    interval   TEXT COLLATE "C" NOT NULL,
    time       BIGINT NOT NULL,
    long       JSONB NOT NULL, -- by method; it is only ever read whole, as the next two are
    short      JSONB NOT NULL,
    largest    JSONB,
    complete   BOOLEAN NOT NULL,
    final      BOOLEAN NOT NULL,
    block      BIGINT NOT NULL,
    clock      BIGINT NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
);

-- A page is one walk through time.
CREATE INDEX liquidation_stats_by_time ON liquidation_stats (generation, interval, time, coin);
