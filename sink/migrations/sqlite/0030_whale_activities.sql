-- What large orders did and what was moved in or out, with watched wallets at any size. Decimals are exact text.
CREATE TABLE whale_activities (
    generation          INTEGER NOT NULL,
    wallet              TEXT NOT NULL,
    id                  TEXT NOT NULL,
    action              TEXT NOT NULL,
    time                INTEGER NOT NULL,
    notional            TEXT, -- unknown when it is too large for an exact decimal
    threshold           TEXT NOT NULL,
    rule_floor          TEXT NOT NULL,
    rule_share          TEXT NOT NULL,
    watched             INTEGER NOT NULL,
    label               TEXT,
    coin                TEXT, -- from here to the basis of the risk: of orders
    oid                 INTEGER,
    block               INTEGER,
    fills               INTEGER,
    side                TEXT,
    size                TEXT,
    average_px          TEXT,
    taker_size          TEXT,
    before              TEXT,
    after               TEXT,
    entry_px            TEXT,
    closed_pnl          TEXT,
    fee                 TEXT,
    fee_token           TEXT,
    method              TEXT,
    open_interest_share TEXT,
    maker_share         TEXT,
    account_time        INTEGER,
    account_value       TEXT,
    leverage            INTEGER,
    isolated            INTEGER,
    liquidation_px      TEXT,
    risk_basis          TEXT,
    amount              TEXT, -- from here: of what was moved in or out
    token               TEXT,
    ledger_type         TEXT,
    counterparty        TEXT,
    counterparty_label  TEXT,
    PRIMARY KEY (generation, wallet, id)
) STRICT, WITHOUT ROWID;

-- A page is one walk through time: of all, of one coin, or of one wallet.
CREATE INDEX whale_activities_by_time ON whale_activities (generation, time, wallet, id);
CREATE INDEX whale_activities_by_coin ON whale_activities (generation, coin, time, wallet, id);
CREATE INDEX whale_activities_by_wallet ON whale_activities (generation, wallet, time, id);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('whale_activities', 'whale_activities', '1000000 1000000 100 1'),
    ('whale_activities', 'whale_activities_by_time', '1000000 1000000 2 1 1'),
    ('whale_activities', 'whale_activities_by_coin', '1000000 1000000 5000 2 1 1'),
    ('whale_activities', 'whale_activities_by_wallet', '1000000 1000000 100 2 1');
ANALYZE sqlite_schema;
