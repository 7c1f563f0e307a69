-- Ratios of those with the largest positions and of each size beside those of all: what was there is of all accounts.
-- The kind and the cohort, '' where there is none, are part of the key.
CREATE TABLE ratios_of_each_kind (
    generation     INTEGER NOT NULL,
    coin           TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    cohort         TEXT    NOT NULL,
    interval       TEXT    NOT NULL,
    time           INTEGER NOT NULL,
    accounts       INTEGER NOT NULL,
    of_accounts    INTEGER,
    long_accounts  INTEGER NOT NULL,
    short_accounts INTEGER NOT NULL,
    long_size      TEXT,
    short_size     TEXT,
    long_ratio     TEXT,
    short_ratio    TEXT,
    open           TEXT,
    high           TEXT,
    low            TEXT,
    close          TEXT,
    complete       INTEGER NOT NULL,
    final          INTEGER NOT NULL,
    block          INTEGER NOT NULL,
    clock          INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, kind, cohort, interval, time)
) STRICT, WITHOUT ROWID;
INSERT INTO ratios_of_each_kind
    SELECT generation, coin, 'accounts', '', interval, time, long_accounts + short_accounts, NULL, long_accounts,
        short_accounts, NULL, NULL, long_ratio, short_ratio, open, high, low, close, complete, final, block, clock
    FROM long_short_ratios;
DROP TABLE long_short_ratios;
ALTER TABLE ratios_of_each_kind RENAME TO long_short_ratios;

-- What the table looks like once it is full, for the planner.
DELETE FROM sqlite_stat1 WHERE tbl IN ('long_short_ratios', 'ratios_of_each_kind');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('long_short_ratios', 'long_short_ratios', '50000000 50000000 250000 50000 17000 2000 1');
ANALYZE sqlite_schema;
