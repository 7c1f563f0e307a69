-- What each wallet has made, paid and traded, as it was last told. Decimals are exact text.
CREATE TABLE wallet_summaries (
    generation      INTEGER NOT NULL,
    wallet          TEXT NOT NULL,
    time            INTEGER NOT NULL,
    first_seen      INTEGER NOT NULL,
    last_fill       INTEGER NOT NULL,
    positions       INTEGER NOT NULL,
    realised_pnl    TEXT NOT NULL, -- by window; it is only ever read whole, as the next four are
    fees            TEXT NOT NULL,
    volume          TEXT NOT NULL,
    fees_other      TEXT NOT NULL,
    maker_share     TEXT NOT NULL,
    closed          INTEGER NOT NULL, -- round trips
    won             INTEGER NOT NULL,
    win_rate        TEXT,
    block           INTEGER NOT NULL,
    rank_pnl_1d     INTEGER, -- in millionths; none for whoever has no place there
    rank_pnl_7d     INTEGER,
    rank_pnl_30d    INTEGER,
    rank_pnl_all    INTEGER,
    rank_volume_1d  INTEGER,
    rank_volume_7d  INTEGER,
    rank_volume_30d INTEGER,
    rank_volume_all INTEGER,
    rank_win_rate   INTEGER,
    PRIMARY KEY (generation, wallet)
) STRICT, WITHOUT ROWID;

-- A leaderboard is one walk through those who have a place on it.
CREATE INDEX wallet_summaries_by_pnl_1d ON wallet_summaries (generation, rank_pnl_1d, wallet) WHERE rank_pnl_1d IS NOT NULL;
CREATE INDEX wallet_summaries_by_pnl_7d ON wallet_summaries (generation, rank_pnl_7d, wallet) WHERE rank_pnl_7d IS NOT NULL;
CREATE INDEX wallet_summaries_by_pnl_30d ON wallet_summaries (generation, rank_pnl_30d, wallet) WHERE rank_pnl_30d IS NOT NULL;
CREATE INDEX wallet_summaries_by_pnl_all ON wallet_summaries (generation, rank_pnl_all, wallet) WHERE rank_pnl_all IS NOT NULL;
CREATE INDEX wallet_summaries_by_volume_1d ON wallet_summaries (generation, rank_volume_1d, wallet) WHERE rank_volume_1d IS NOT NULL;
CREATE INDEX wallet_summaries_by_volume_7d ON wallet_summaries (generation, rank_volume_7d, wallet) WHERE rank_volume_7d IS NOT NULL;
CREATE INDEX wallet_summaries_by_volume_30d ON wallet_summaries (generation, rank_volume_30d, wallet) WHERE rank_volume_30d IS NOT NULL;
CREATE INDEX wallet_summaries_by_volume_all ON wallet_summaries (generation, rank_volume_all, wallet) WHERE rank_volume_all IS NOT NULL;
CREATE INDEX wallet_summaries_by_win_rate ON wallet_summaries (generation, rank_win_rate, wallet) WHERE rank_win_rate IS NOT NULL;

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('wallet_summaries', 'wallet_summaries', '1000000 1000000 1'),
    ('wallet_summaries', 'wallet_summaries_by_pnl_1d', '40000 40000 2 1'),
    ('wallet_summaries', 'wallet_summaries_by_pnl_7d', '80000 80000 2 1'),
    ('wallet_summaries', 'wallet_summaries_by_pnl_30d', '150000 150000 2 1'),
    ('wallet_summaries', 'wallet_summaries_by_pnl_all', '1000000 1000000 2 1'),
    ('wallet_summaries', 'wallet_summaries_by_volume_1d', '40000 40000 2 1'),
    ('wallet_summaries', 'wallet_summaries_by_volume_7d', '80000 80000 2 1'),
    ('wallet_summaries', 'wallet_summaries_by_volume_30d', '150000 150000 2 1'),
    ('wallet_summaries', 'wallet_summaries_by_volume_all', '1000000 1000000 2 1'),
    ('wallet_summaries', 'wallet_summaries_by_win_rate', '1000000 1000000 2 1');
ANALYZE sqlite_schema;
