-- What each market is valued at, as last published.
CREATE TABLE prices (
    generation             BIGINT  NOT NULL,
    coin                   TEXT    COLLATE "C" NOT NULL,
    time                   BIGINT  NOT NULL,
    mark_px                NUMERIC NOT NULL,
    oracle_px              NUMERIC NOT NULL,
    mid_px                 NUMERIC, -- none when a side of the book is empty
    funding                NUMERIC NOT NULL,
    open_interest          NUMERIC NOT NULL,
    open_interest_notional NUMERIC,
    previous_day_px        NUMERIC NOT NULL,
    day_notional           NUMERIC NOT NULL,
    PRIMARY KEY (generation, coin)
);
