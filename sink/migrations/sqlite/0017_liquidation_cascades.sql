-- Bursts of liquidations of one side of a coin, as they were last published. Decimals are exact text.
CREATE TABLE liquidation_cascades (
    generation    INTEGER NOT NULL,
    coin          TEXT NOT NULL,
    side          TEXT NOT NULL,
    first_block   INTEGER NOT NULL,
    last_block    INTEGER NOT NULL,
    first_time    INTEGER NOT NULL,
    last_time     INTEGER NOT NULL,
    orders        INTEGER NOT NULL,
    notional      TEXT, -- unknown when it is too large for an exact decimal, as is that of the peak
    peak_time     INTEGER NOT NULL,
    peak_notional TEXT,
    first_mark_px TEXT NOT NULL,
    last_mark_px  TEXT NOT NULL,
    complete      INTEGER NOT NULL,
    final         INTEGER NOT NULL,
    clock         INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, side, first_block)
) STRICT, WITHOUT ROWID;

-- A page is one walk through time.
CREATE INDEX liquidation_cascades_by_time ON liquidation_cascades (generation, first_time, coin, side, first_block);
CREATE INDEX liquidation_cascades_by_coin ON liquidation_cascades (generation, coin, first_time, side, first_block);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidation_cascades', 'liquidation_cascades', '100000 100000 500 300 1'),
    ('liquidation_cascades', 'liquidation_cascades_by_time', '100000 100000 2 1 1 1'),
    ('liquidation_cascades', 'liquidation_cascades_by_coin', '100000 100000 500 1 1 1');
ANALYZE sqlite_schema;
