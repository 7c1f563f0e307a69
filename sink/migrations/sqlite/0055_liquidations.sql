-- What one block closed by force of a position has the plain name, and is also sorted by size.
ALTER TABLE liquidation_orders RENAME TO liquidations;
DROP INDEX liquidation_orders_by_time;
DROP INDEX liquidation_orders_by_coin;
DROP INDEX liquidation_orders_by_wallet;
CREATE INDEX liquidations_by_time ON liquidations (generation, time, coin, wallet, block, method);
CREATE INDEX liquidations_by_coin ON liquidations (generation, coin, time, wallet, block, method);
CREATE INDEX liquidations_by_wallet ON liquidations (generation, wallet, time, coin, block, method);

-- Decimals are text here: beside one that rows are sorted by stands a text that sorts where it does. An amount that is not
-- known is too large to be told, and comes behind all others.
ALTER TABLE liquidations ADD COLUMN notional_key TEXT NOT NULL DEFAULT '3';
UPDATE liquidations SET notional_key = (
    SELECT CASE WHEN digits = '' THEN '1' ELSE '2' || printf('%02d', place) || digits END FROM (
        SELECT 50 + length(whole) - (length(whole || part) - length(ltrim(whole || part, '0'))) AS place,
            rtrim(ltrim(whole || part, '0'), '0') AS digits
        FROM (SELECT substr(notional, 1, instr(notional || '.', '.') - 1) AS whole, substr(notional, instr(notional || '.', '.') + 1) AS part)
    )
) WHERE notional IS NOT NULL;

-- A page by size is one walk as well: of all, of one coin, or of one wallet.
CREATE INDEX liquidations_by_notional ON liquidations (generation, notional_key, time, coin, wallet, block, method);
CREATE INDEX liquidations_by_coin_and_notional ON liquidations (generation, coin, notional_key, time, wallet, block, method);
CREATE INDEX liquidations_by_wallet_and_notional ON liquidations (generation, wallet, notional_key, time, coin, block, method);

-- What the table looks like once it is full, for the planner.
DELETE FROM sqlite_stat1 WHERE tbl IN ('liquidations', 'liquidation_orders');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidations', 'liquidations', '3000000 3000000 15000 4 1 1'),
    ('liquidations', 'liquidations_by_time', '3000000 3000000 3 2 1 1 1'),
    ('liquidations', 'liquidations_by_coin', '3000000 3000000 15000 2 1 1 1'),
    ('liquidations', 'liquidations_by_wallet', '3000000 3000000 10 2 1 1 1'),
    ('liquidations', 'liquidations_by_notional', '3000000 3000000 2 1 1 1 1 1'),
    ('liquidations', 'liquidations_by_coin_and_notional', '3000000 3000000 15000 2 1 1 1 1'),
    ('liquidations', 'liquidations_by_wallet_and_notional', '3000000 3000000 10 2 1 1 1 1');
ANALYZE sqlite_schema;
