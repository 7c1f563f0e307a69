-- Positions of which the exchange's word on the account is all that is known: they are few among all, and looked for
-- whenever somebody asks for positions, of a wallet, of a coin or of all.
CREATE INDEX position_risks_of_accounts_by_wallet ON position_risks (generation, wallet, coin) WHERE source = 'account';
CREATE INDEX position_risks_of_accounts_by_coin ON position_risks (generation, coin, wallet) WHERE source = 'account';

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('position_risks', 'position_risks', '1000000 1000000 5000 1'),
    ('position_risks', 'position_risks_of_accounts_by_wallet', '5000 5000 3 1'),
    ('position_risks', 'position_risks_of_accounts_by_coin', '5000 5000 30 1');
ANALYZE sqlite_schema;
