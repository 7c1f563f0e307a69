-- What would be liquidated of each coin at which price, as it stood last in each quarter of an hour. Decimals are exact text.
CREATE TABLE liquidation_map (
    generation    INTEGER NOT NULL,
    coin          TEXT NOT NULL,
    interval      TEXT NOT NULL,
    time          INTEGER NOT NULL,
    mark_px       TEXT NOT NULL,
    open_interest TEXT NOT NULL,
    long          TEXT NOT NULL, -- JSON; it is only ever read whole, as the next two are
    short         TEXT NOT NULL,
    bins          TEXT NOT NULL,
    complete      INTEGER NOT NULL,
    block         INTEGER NOT NULL,
    clock         INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
) STRICT;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidation_map', 'sqlite_autoindex_liquidation_map_1', '1000000 1000000 5000 5000 1');
ANALYZE sqlite_schema;
