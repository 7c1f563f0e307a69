-- What large orders did and what was moved in or out, with watched wallets at any size.
CREATE TABLE whale_activities (
    generation          BIGINT NOT NULL,
    wallet              TEXT COLLATE "C" NOT NULL,
    id                  TEXT COLLATE "C" NOT NULL,
    action              TEXT COLLATE "C" NOT NULL,
    time                BIGINT NOT NULL,
    notional            NUMERIC, -- unknown when it is too large for an exact decimal
    threshold           NUMERIC NOT NULL,
    rule_floor          NUMERIC NOT NULL,
    rule_share          NUMERIC NOT NULL,
    watched             BOOLEAN NOT NULL,
    label               TEXT COLLATE "C",
    coin                TEXT COLLATE "C", -- from here to the basis of the risk: of orders
    oid                 BIGINT,
    block               BIGINT,
    fills               BIGINT,
    side                TEXT COLLATE "C",
    size                NUMERIC,
    average_px          NUMERIC,
    taker_size          NUMERIC,
    before              NUMERIC,
    after               NUMERIC,
    entry_px            NUMERIC,
    closed_pnl          NUMERIC,
    fee                 NUMERIC,
    fee_token           TEXT COLLATE "C",
    method              TEXT COLLATE "C",
    open_interest_share NUMERIC,
    maker_share         NUMERIC,
    account_time        BIGINT,
    account_value       NUMERIC,
    leverage            BIGINT,
    isolated            BOOLEAN,
    liquidation_px      NUMERIC,
    risk_basis          TEXT COLLATE "C",
    amount              NUMERIC, -- from here: of what was moved in or out
    token               TEXT COLLATE "C",
    ledger_type         TEXT COLLATE "C",
    counterparty        TEXT COLLATE "C",
    counterparty_label  TEXT COLLATE "C",
    PRIMARY KEY (generation, wallet, id)
);

-- A page is one walk through time: of all, of one coin, or of one wallet.
CREATE INDEX whale_activities_by_time ON whale_activities (generation, time, wallet, id);
CREATE INDEX whale_activities_by_coin ON whale_activities (generation, coin, time, wallet, id);
CREATE INDEX whale_activities_by_wallet ON whale_activities (generation, wallet, time, id);
