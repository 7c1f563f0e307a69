-- Episodes of liquidations and what whales did, sorted by size: an amount that is not known is too large to be told, and
-- comes behind all others. A page is one walk: of all, of one coin, or of one wallet.
CREATE INDEX liquidation_episodes_by_notional ON liquidation_episodes (generation, (coalesce(notional, 'Infinity')), first_time, coin, wallet, first_block, side);
CREATE INDEX liquidation_episodes_by_coin_and_notional ON liquidation_episodes (generation, coin, (coalesce(notional, 'Infinity')), first_time, wallet, first_block, side);
CREATE INDEX liquidation_episodes_by_wallet_and_notional ON liquidation_episodes (generation, wallet, (coalesce(notional, 'Infinity')), first_time, coin, first_block, side);
CREATE INDEX whale_activities_by_notional ON whale_activities (generation, (coalesce(notional, 'Infinity')), time, wallet, id);
CREATE INDEX whale_activities_by_coin_and_notional ON whale_activities (generation, coin, (coalesce(notional, 'Infinity')), time, wallet, id);
CREATE INDEX whale_activities_by_wallet_and_notional ON whale_activities (generation, wallet, (coalesce(notional, 'Infinity')), time, id);
