-- Large legs are few among many: of each size ten times the last, a way to them that passes no small ones. Nearly nothing
-- is written for it: one leg in thirteen is of 10,000, one in sixty of 100,000.
CREATE INDEX transactions_from_10k ON transactions (generation, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 10000;
CREATE INDEX transactions_from_100k ON transactions (generation, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 100000;
CREATE INDEX transactions_from_1m ON transactions (generation, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 1000000;
CREATE INDEX transactions_by_coin_from_10k ON transactions (generation, coin, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 10000;
CREATE INDEX transactions_by_coin_from_100k ON transactions (generation, coin, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 100000;
CREATE INDEX transactions_by_coin_from_1m ON transactions (generation, coin, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 1000000;
CREATE INDEX transactions_by_wallet_from_10k ON transactions (generation, wallet, time, block, idx) WHERE coalesce(notional, 'Infinity') >= 10000;
