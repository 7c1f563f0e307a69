-- Episodes of liquidations and what whales did, sorted by size.
-- Decimals are text here: beside one that rows are sorted by stands a text that sorts where it does. An amount that is not
-- known is too large to be told, and comes behind all others.
ALTER TABLE liquidation_episodes ADD COLUMN notional_key TEXT NOT NULL DEFAULT '3';
UPDATE liquidation_episodes SET notional_key = (
    SELECT CASE WHEN digits = '' THEN '1' ELSE '2' || printf('%02d', place) || digits END FROM (
        SELECT 50 + length(whole) - (length(whole || part) - length(ltrim(whole || part, '0'))) AS place,
            rtrim(ltrim(whole || part, '0'), '0') AS digits
        FROM (SELECT substr(notional, 1, instr(notional || '.', '.') - 1) AS whole, substr(notional, instr(notional || '.', '.') + 1) AS part)
    )
) WHERE notional IS NOT NULL;

ALTER TABLE whale_activities ADD COLUMN notional_key TEXT NOT NULL DEFAULT '3';
UPDATE whale_activities SET notional_key = (
    SELECT CASE WHEN digits = '' THEN '1' ELSE '2' || printf('%02d', place) || digits END FROM (
        SELECT 50 + length(whole) - (length(whole || part) - length(ltrim(whole || part, '0'))) AS place,
            rtrim(ltrim(whole || part, '0'), '0') AS digits
        FROM (SELECT substr(notional, 1, instr(notional || '.', '.') - 1) AS whole, substr(notional, instr(notional || '.', '.') + 1) AS part)
    )
) WHERE notional IS NOT NULL;

-- A page by size is one walk: of all, of one coin, or of one wallet.
CREATE INDEX liquidation_episodes_by_notional ON liquidation_episodes (generation, notional_key, first_time, coin, wallet, first_block, side);
CREATE INDEX liquidation_episodes_by_coin_and_notional ON liquidation_episodes (generation, coin, notional_key, first_time, wallet, first_block, side);
CREATE INDEX liquidation_episodes_by_wallet_and_notional ON liquidation_episodes (generation, wallet, notional_key, first_time, coin, first_block, side);
CREATE INDEX whale_activities_by_notional ON whale_activities (generation, notional_key, time, wallet, id);
CREATE INDEX whale_activities_by_coin_and_notional ON whale_activities (generation, coin, notional_key, time, wallet, id);
CREATE INDEX whale_activities_by_wallet_and_notional ON whale_activities (generation, wallet, notional_key, time, id);

-- What the tables look like once they are full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidation_episodes', 'liquidation_episodes_by_notional', '1000000 1000000 2 1 1 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_by_coin_and_notional', '1000000 1000000 5000 2 1 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_by_wallet_and_notional', '1000000 1000000 4 2 1 1 1 1'),
    ('whale_activities', 'whale_activities_by_notional', '1000000 1000000 2 1 1 1'),
    ('whale_activities', 'whale_activities_by_coin_and_notional', '1000000 1000000 5000 2 1 1 1'),
    ('whale_activities', 'whale_activities_by_wallet_and_notional', '1000000 1000000 100 2 1 1');
ANALYZE sqlite_schema;
