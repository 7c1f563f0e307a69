-- Episodes in which somebody was deleveraged, or the backstop vault took over, have ways of their own: they are few.
CREATE INDEX liquidation_episodes_backstop ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side) WHERE CAST(coalesce(backstop_notional, '1') AS REAL) > 0;
CREATE INDEX liquidation_episodes_backstop_by_notional ON liquidation_episodes (generation, notional_key, first_time, coin, wallet, first_block, side) WHERE CAST(coalesce(backstop_notional, '1') AS REAL) > 0;
CREATE INDEX liquidation_episodes_adl ON liquidation_episodes (generation, first_time, coin, wallet, first_block, side) WHERE CAST(adl_size AS REAL) > 0;
CREATE INDEX liquidation_episodes_adl_by_notional ON liquidation_episodes (generation, notional_key, first_time, coin, wallet, first_block, side) WHERE CAST(adl_size AS REAL) > 0;

-- What the tables look like once they are full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('liquidation_episodes', 'liquidation_episodes_backstop', '100000 100000 2 2 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_backstop_by_notional', '100000 100000 2 2 2 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_adl', '100000 100000 2 2 1 1 1'),
    ('liquidation_episodes', 'liquidation_episodes_adl_by_notional', '100000 100000 2 2 2 1 1 1');
ANALYZE sqlite_schema;
