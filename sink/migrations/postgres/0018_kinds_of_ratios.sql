-- Ratios of those with the largest positions and of each size beside those of all: what was there is of all accounts.
-- The kind and the cohort, '' where there is none, are part of the key.
CREATE TABLE ratios_of_each_kind (
    generation     BIGINT  NOT NULL,
    coin           TEXT    COLLATE "C" NOT NULL,
    kind           TEXT    COLLATE "C" NOT NULL,
    cohort         TEXT    COLLATE "C" NOT NULL,
    interval       TEXT    COLLATE "C" NOT NULL,
    time           BIGINT  NOT NULL,
    accounts       BIGINT  NOT NULL,
    of_accounts    BIGINT,
    long_accounts  BIGINT  NOT NULL,
    short_accounts BIGINT  NOT NULL,
    long_size      NUMERIC,
    short_size     NUMERIC,
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
    PRIMARY KEY (generation, coin, kind, cohort, interval, time)
);
INSERT INTO ratios_of_each_kind
    SELECT generation, coin, 'accounts', '', interval, time, long_accounts + short_accounts, NULL, long_accounts,
        short_accounts, NULL, NULL, long_ratio, short_ratio, open, high, low, close, complete, final, block, clock
    FROM long_short_ratios;
DROP TABLE long_short_ratios;
ALTER TABLE ratios_of_each_kind RENAME TO long_short_ratios;
ALTER INDEX ratios_of_each_kind_pkey RENAME TO long_short_ratios_pkey;
