-- What each wallet has made, paid and traded, as it was last told.
CREATE TABLE wallet_summaries (
    generation      BIGINT NOT NULL,
    wallet          TEXT COLLATE "C" NOT NULL,
    time            BIGINT NOT NULL,
    first_seen      BIGINT NOT NULL,
    last_fill       BIGINT NOT NULL,
    positions       BIGINT NOT NULL,
    realised_pnl    JSONB NOT NULL, -- by window; it is only ever read whole, as the next four are
    fees            JSONB NOT NULL,
    volume          JSONB NOT NULL,
    fees_other      JSONB NOT NULL,
    maker_share     JSONB NOT NULL,
    closed          BIGINT NOT NULL, -- round trips
    won             BIGINT NOT NULL,
    win_rate        NUMERIC,
    block           BIGINT NOT NULL,
    rank_pnl_1d     BIGINT, -- in millionths; none for whoever has no place there
    rank_pnl_7d     BIGINT,
    rank_pnl_30d    BIGINT,
    rank_pnl_all    BIGINT,
    rank_volume_1d  BIGINT,
    rank_volume_7d  BIGINT,
    rank_volume_30d BIGINT,
    rank_volume_all BIGINT,
    rank_win_rate   BIGINT,
    PRIMARY KEY (generation, wallet)
);

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
