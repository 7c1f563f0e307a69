-- What can be traded and on which terms.
CREATE TABLE markets (
    generation    BIGINT  NOT NULL,
    coin          TEXT    COLLATE "C" NOT NULL,
    dex           TEXT    COLLATE "C" NOT NULL,
    size_decimals BIGINT  NOT NULL,
    max_leverage  BIGINT  NOT NULL,
    margin_tiers  JSONB   NOT NULL,
    isolated_only BOOLEAN NOT NULL,
    delisted      BOOLEAN NOT NULL,
    time          BIGINT  NOT NULL,
    PRIMARY KEY (generation, coin)
);
