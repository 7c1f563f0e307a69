-- What is rare among what happens has a way of its own, so that nobody passes over all that is not: the side that is not
-- liquidated now, what is not done in the market, transfers, and what is large.
CREATE INDEX liquidations_by_side ON liquidations (generation, side, time, coin, wallet, block, method);
CREATE INDEX liquidations_by_method ON liquidations (generation, method, time, coin, wallet, block);
CREATE INDEX liquidations_from_100k ON liquidations (generation, time, coin, wallet, block, method) WHERE notional_key >= '2561';
CREATE INDEX liquidations_from_1m ON liquidations (generation, time, coin, wallet, block, method) WHERE notional_key >= '2571';
CREATE INDEX liquidation_episodes_by_side ON liquidation_episodes (generation, side, first_time, coin, wallet, first_block);
CREATE INDEX liquidation_episodes_from_100k ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side) WHERE notional_key >= '2561';
CREATE INDEX liquidation_episodes_from_1m ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side) WHERE notional_key >= '2571';
CREATE INDEX whale_activities_by_action ON whale_activities (generation, action, time, wallet, id);
CREATE INDEX whale_activities_by_action_and_notional ON whale_activities (generation, action, notional_key, time, wallet, id);
CREATE INDEX whale_activities_from_1m ON whale_activities (generation, time, wallet, id) WHERE notional_key >= '2571';
CREATE INDEX whale_activities_from_10m ON whale_activities (generation, time, wallet, id) WHERE notional_key >= '2581';

-- What the tables look like once they are full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidations', 'liquidations_by_side', '3000000 3000000 1500000 3 2 1 1 1'),
    ('liquidations', 'liquidations_by_method', '3000000 3000000 1000000 3 2 1 1'),
    ('liquidations', 'liquidations_from_100k', '100000 100000 3 2 1 1 1'),
    ('liquidations', 'liquidations_from_1m', '10000 10000 3 2 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_by_side', '1000000 1000000 500000 2 2 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_from_100k', '100000 100000 2 2 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_from_1m', '10000 10000 2 2 1 1 1'),
    ('whale_activities', 'whale_activities_by_action', '1000000 1000000 100000 2 1 1'),
    ('whale_activities', 'whale_activities_by_action_and_notional', '1000000 1000000 100000 2 1 1 1'),
    ('whale_activities', 'whale_activities_from_1m', '100000 100000 2 1 1'),
    ('whale_activities', 'whale_activities_from_10m', '10000 10000 2 1 1');
ANALYZE sqlite_schema;
