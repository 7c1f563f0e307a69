-- What is rare among what happens has a way of its own, so that nobody passes over all that is not: the side that is not
-- liquidated now, what is not done in the market, transfers, and what is large.
CREATE INDEX liquidations_by_side ON liquidations (generation, side, time, coin, wallet, block, method);
CREATE INDEX liquidations_by_method ON liquidations (generation, method, time, coin, wallet, block);
CREATE INDEX liquidations_from_100k ON liquidations (generation, time, coin, wallet, block, method) WHERE coalesce(notional, 'Infinity') >= 100000;
CREATE INDEX liquidations_from_1m ON liquidations (generation, time, coin, wallet, block, method) WHERE coalesce(notional, 'Infinity') >= 1000000;
CREATE INDEX liquidation_episodes_by_side ON liquidation_episodes (generation, side, first_time, coin, wallet, first_block);
CREATE INDEX liquidation_episodes_from_100k ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side) WHERE coalesce(notional, 'Infinity') >= 100000;
CREATE INDEX liquidation_episodes_from_1m ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side) WHERE coalesce(notional, 'Infinity') >= 1000000;
CREATE INDEX whale_activities_by_action ON whale_activities (generation, action, time, wallet, id);
CREATE INDEX whale_activities_by_action_and_notional ON whale_activities (generation, action, (coalesce(notional, 'Infinity')), time, wallet, id);
CREATE INDEX whale_activities_from_1m ON whale_activities (generation, time, wallet, id) WHERE coalesce(notional, 'Infinity') >= 1000000;
CREATE INDEX whale_activities_from_10m ON whale_activities (generation, time, wallet, id) WHERE coalesce(notional, 'Infinity') >= 10000000;
