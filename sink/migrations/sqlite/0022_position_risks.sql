-- At which mark each open position would be liquidated, and what that stands on; a position that was closed has no row.
-- Decimals are exact text.
CREATE TABLE position_risks (
    generation     INTEGER NOT NULL,
    coin           TEXT NOT NULL,
    wallet         TEXT NOT NULL,
    size           TEXT NOT NULL,
    source         TEXT NOT NULL CHECK (source IN ('fill', 'account')),
    cost           TEXT, -- unknown while not all of its fills are known
    liquidation_px TEXT, -- none, or not known: then the basis is null
    basis          TEXT CHECK (basis IN ('account', 'carried', 'exchange', 'assumed')),
    leverage       INTEGER,
    isolated       INTEGER,
    clock          INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, wallet)
) STRICT, WITHOUT ROWID;
