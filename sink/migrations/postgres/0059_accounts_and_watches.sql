-- What each followed account is worth, as the exchange said it last.
CREATE TABLE accounts (
    generation               BIGINT NOT NULL,
    wallet                   TEXT COLLATE "C" NOT NULL,
    dex                      TEXT COLLATE "C" NOT NULL, -- '' for the main one
    time                     BIGINT NOT NULL,
    equity                   NUMERIC NOT NULL,
    cross_equity             NUMERIC NOT NULL,
    cross_maintenance_margin NUMERIC,
    notional                 NUMERIC NOT NULL,
    positions                BIGINT NOT NULL,
    drifted                  JSONB NOT NULL, -- coins in which fills had told another size
    pooled                   JSONB NOT NULL, -- coins whose margin is pooled with more than is shown
    PRIMARY KEY (generation, wallet, dex)
);

-- The wallets that are watched now.
CREATE TABLE whale_watches (
    generation BIGINT NOT NULL,
    wallet     TEXT COLLATE "C" NOT NULL,
    label      TEXT COLLATE "C" NOT NULL,
    threshold  NUMERIC, -- none for every size
    time       BIGINT NOT NULL,
    PRIMARY KEY (generation, wallet)
);
