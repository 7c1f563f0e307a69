-- What each market is valued at, as last published. A few hundred rows: the key is all the order that is needed.
CREATE TABLE prices (
    generation             INTEGER NOT NULL,
    coin                   TEXT    NOT NULL,
    time                   INTEGER NOT NULL,
    mark_px                TEXT    NOT NULL,
    oracle_px              TEXT    NOT NULL,
    mid_px                 TEXT, -- none when a side of the book is empty
    funding                TEXT    NOT NULL,
    open_interest          TEXT    NOT NULL,
    open_interest_notional TEXT,
    previous_day_px        TEXT    NOT NULL,
    day_notional           TEXT    NOT NULL,
    PRIMARY KEY (generation, coin)
) STRICT, WITHOUT ROWID;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('prices', 'prices', '500 500 1');
ANALYZE sqlite_schema;
