-- Episodes in which somebody was deleveraged, or the backstop vault took over, have ways of their own: they are few.
CREATE INDEX liquidation_episodes_backstop ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side) WHERE CAST(coalesce(backstop_notional, '1') AS REAL) > 0;
CREATE INDEX liquidation_episodes_backstop_by_notional ON liquidation_episodes (generation, (coalesce(notional, 'Infinity')), first_time, coin, wallet, first_block, side) WHERE CAST(coalesce(backstop_notional, '1') AS REAL) > 0;
CREATE INDEX liquidation_episodes_adl ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side) WHERE CAST(adl_size AS REAL) > 0;
CREATE INDEX liquidation_episodes_adl_by_notional ON liquidation_episodes (generation, (coalesce(notional, 'Infinity')), first_time, coin, wallet, first_block, side) WHERE CAST(adl_size AS REAL) > 0;
