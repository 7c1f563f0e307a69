-- Who has ended few round trips is passed over along the index, and not looked up.
DROP INDEX wallet_summaries_by_pnl_1d;
CREATE INDEX wallet_summaries_by_pnl_1d ON wallet_summaries (generation, rank_pnl_1d, wallet, closed) WHERE rank_pnl_1d IS NOT NULL;
DROP INDEX wallet_summaries_by_pnl_7d;
CREATE INDEX wallet_summaries_by_pnl_7d ON wallet_summaries (generation, rank_pnl_7d, wallet, closed) WHERE rank_pnl_7d IS NOT NULL;
DROP INDEX wallet_summaries_by_pnl_30d;
CREATE INDEX wallet_summaries_by_pnl_30d ON wallet_summaries (generation, rank_pnl_30d, wallet, closed) WHERE rank_pnl_30d IS NOT NULL;
DROP INDEX wallet_summaries_by_pnl_all;
CREATE INDEX wallet_summaries_by_pnl_all ON wallet_summaries (generation, rank_pnl_all, wallet, closed) WHERE rank_pnl_all IS NOT NULL;
DROP INDEX wallet_summaries_by_volume_1d;
CREATE INDEX wallet_summaries_by_volume_1d ON wallet_summaries (generation, rank_volume_1d, wallet, closed) WHERE rank_volume_1d IS NOT NULL;
DROP INDEX wallet_summaries_by_volume_7d;
CREATE INDEX wallet_summaries_by_volume_7d ON wallet_summaries (generation, rank_volume_7d, wallet, closed) WHERE rank_volume_7d IS NOT NULL;
DROP INDEX wallet_summaries_by_volume_30d;
CREATE INDEX wallet_summaries_by_volume_30d ON wallet_summaries (generation, rank_volume_30d, wallet, closed) WHERE rank_volume_30d IS NOT NULL;
DROP INDEX wallet_summaries_by_volume_all;
CREATE INDEX wallet_summaries_by_volume_all ON wallet_summaries (generation, rank_volume_all, wallet, closed) WHERE rank_volume_all IS NOT NULL;
DROP INDEX wallet_summaries_by_win_rate;
CREATE INDEX wallet_summaries_by_win_rate ON wallet_summaries (generation, rank_win_rate, wallet, closed) WHERE rank_win_rate IS NOT NULL;

-- Few blocks close a position: pages of those pass over no others.
CREATE INDEX position_history_of_closed ON position_history (generation, time, wallet, coin, block, idx) WHERE side = 'flat';

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('position_history', 'position_history_of_closed', '1000000 1000000 10 3 2 1 1');
ANALYZE sqlite_schema;
