-- At which mark each open position would be liquidated, and what that stands on; a position that was closed has no row.
CREATE TABLE position_risks (
    generation     BIGINT NOT NULL,
    coin           TEXT COLLATE "C" NOT NULL,
    wallet         TEXT COLLATE "C" NOT NULL,
    size           NUMERIC NOT NULL,
    source         TEXT COLLATE "C" NOT NULL CHECK (source IN ('fill', 'account')),
    cost           NUMERIC, -- unknown while not all of its fills are known
    liquidation_px NUMERIC, -- none, or not known: then the basis is null
    basis          TEXT COLLATE "C" CHECK (basis IN ('account', 'carried', 'exchange', 'assumed')),
    leverage       BIGINT,
    isolated       BOOLEAN,
    clock          BIGINT NOT NULL,
    PRIMARY KEY (generation, coin, wallet)
);
