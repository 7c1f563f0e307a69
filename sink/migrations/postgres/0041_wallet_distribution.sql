-- How wallets were spread by size and by profit, minute by minute.
CREATE TABLE wallet_distribution (
    generation BIGINT NOT NULL,
    measure    TEXT COLLATE "C" NOT NULL,
    time       BIGINT NOT NULL,
    tiers      JSONB NOT NULL, -- it is only ever read whole
    not_valued BIGINT NOT NULL,
    parts      BIGINT NOT NULL,
    block      BIGINT NOT NULL,
    clock      BIGINT NOT NULL,
    PRIMARY KEY (generation, measure, time)
);
