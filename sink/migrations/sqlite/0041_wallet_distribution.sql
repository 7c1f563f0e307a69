-- How wallets were spread by size and by profit, minute by minute.
CREATE TABLE wallet_distribution (
    generation INTEGER NOT NULL,
    measure    TEXT NOT NULL,
    time       INTEGER NOT NULL,
    tiers      TEXT NOT NULL, -- JSON; it is only ever read whole
    not_valued INTEGER NOT NULL,
    parts      INTEGER NOT NULL,
    block      INTEGER NOT NULL,
    clock      INTEGER NOT NULL,
    PRIMARY KEY (generation, measure, time)
) STRICT, WITHOUT ROWID;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('wallet_distribution', 'wallet_distribution', '1000000 1000000 500000 1');
ANALYZE sqlite_schema;
