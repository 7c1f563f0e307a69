-- What one block closed by force of a position has the plain name, and is also sorted by size: an amount that is not known
-- is too large to be told, and comes behind all others.
ALTER TABLE liquidation_orders RENAME TO liquidations;
ALTER INDEX liquidation_orders_pkey RENAME TO liquidations_pkey;
ALTER INDEX liquidation_orders_by_time RENAME TO liquidations_by_time;
ALTER INDEX liquidation_orders_by_coin RENAME TO liquidations_by_coin;
ALTER INDEX liquidation_orders_by_wallet RENAME TO liquidations_by_wallet;

-- A page by size is one walk as well: of all, of one coin, or of one wallet.
CREATE INDEX liquidations_by_notional ON liquidations (generation, (coalesce(notional, 'Infinity')), time, coin, wallet, block, method);
CREATE INDEX liquidations_by_coin_and_notional ON liquidations (generation, coin, (coalesce(notional, 'Infinity')), time, wallet, block, method);
CREATE INDEX liquidations_by_wallet_and_notional ON liquidations (generation, wallet, (coalesce(notional, 'Infinity')), time, coin, block, method);
