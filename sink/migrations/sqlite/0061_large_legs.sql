-- Large legs are few among many: of each size ten times the last, a way to them that passes no small ones. Nearly nothing
-- is written for it: one leg in thirteen is of 10,000, one in sixty of 100,000.
CREATE INDEX transactions_from_10k ON transactions (generation, time, block, idx, wallet) WHERE notional_key >= '2551';
CREATE INDEX transactions_from_100k ON transactions (generation, time, block, idx, wallet) WHERE notional_key >= '2561';
CREATE INDEX transactions_from_1m ON transactions (generation, time, block, idx, wallet) WHERE notional_key >= '2571';
CREATE INDEX transactions_by_coin_from_10k ON transactions (generation, coin, time, block, idx, wallet) WHERE notional_key >= '2551';
CREATE INDEX transactions_by_coin_from_100k ON transactions (generation, coin, time, block, idx, wallet) WHERE notional_key >= '2561';
CREATE INDEX transactions_by_coin_from_1m ON transactions (generation, coin, time, block, idx, wallet) WHERE notional_key >= '2571';
CREATE INDEX transactions_by_wallet_from_10k ON transactions (generation, wallet, time, block, idx) WHERE notional_key >= '2551';

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('transactions', 'transactions_from_10k', '10000000 10000000 10 10 1 1'),
    ('transactions', 'transactions_from_100k', '1000000 1000000 10 10 1 1'),
    ('transactions', 'transactions_from_1m', '10000 10000 10 10 1 1'),
    ('transactions', 'transactions_by_coin_from_10k', '10000000 10000000 50000 10 10 1 1'),
    ('transactions', 'transactions_by_coin_from_100k', '1000000 1000000 5000 10 10 1 1'),
    ('transactions', 'transactions_by_coin_from_1m', '10000 10000 50 10 10 1 1'),
    ('transactions', 'transactions_by_wallet_from_10k', '10000000 10000000 500 3 3 1');
ANALYZE sqlite_schema;
