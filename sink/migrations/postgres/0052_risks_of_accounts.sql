-- Positions of which the exchange's word on the account is all that is known: they are few among all, and looked for
-- whenever somebody asks for positions, of a wallet, of a coin or of all.
CREATE INDEX position_risks_of_accounts_by_wallet ON position_risks (generation, wallet, coin) WHERE source = 'account';
CREATE INDEX position_risks_of_accounts_by_coin ON position_risks (generation, coin, wallet) WHERE source = 'account';
