-- What can be traded and on which terms. A few hundred rows: the key is all the order that is needed.
CREATE TABLE markets (
    generation    INTEGER NOT NULL,
    coin          TEXT    NOT NULL,
    dex           TEXT    NOT NULL,
    size_decimals INTEGER NOT NULL,
    max_leverage  INTEGER NOT NULL,
    margin_tiers  TEXT    NOT NULL, -- the list as JSON: it is only ever read whole
    isolated_only INTEGER NOT NULL,
    delisted      INTEGER NOT NULL,
    time          INTEGER NOT NULL,
    PRIMARY KEY (generation, coin)
) STRICT, WITHOUT ROWID;
