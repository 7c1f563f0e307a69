-- What each followed account is worth, as the exchange said it last. Decimals are exact text.
CREATE TABLE accounts (
    generation               INTEGER NOT NULL,
    wallet                   TEXT NOT NULL,
    dex                      TEXT NOT NULL, -- '' for the main one
    time                     INTEGER NOT NULL,
    equity                   TEXT NOT NULL,
    cross_equity             TEXT NOT NULL,
    cross_maintenance_margin TEXT,
    notional                 TEXT NOT NULL,
    positions                INTEGER NOT NULL,
    drifted                  TEXT NOT NULL, -- coins in which fills had told another size
    pooled                   TEXT NOT NULL, -- coins whose margin is pooled with more than is shown
    PRIMARY KEY (generation, wallet, dex)
) STRICT, WITHOUT ROWID;

-- The wallets that are watched now.
CREATE TABLE whale_watches (
    generation INTEGER NOT NULL,
    wallet     TEXT NOT NULL,
    label      TEXT NOT NULL,
    threshold  TEXT, -- none for every size
    time       INTEGER NOT NULL,
    PRIMARY KEY (generation, wallet)
) STRICT, WITHOUT ROWID;

-- What the tables look like once they are full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('accounts', 'accounts', '10000 10000 2 1'),
    ('whale_watches', 'whale_watches', '1000 1000 1');
ANALYZE sqlite_schema;
