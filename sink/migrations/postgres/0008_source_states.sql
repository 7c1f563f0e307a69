-- Whether each source is heard, as was said last.
CREATE TABLE source_states (
    generation BIGINT NOT NULL,
    source     TEXT   COLLATE "C" NOT NULL,
    status     TEXT   COLLATE "C" NOT NULL CHECK (status IN ('connected', 'disconnected', 'stale')),
    time       BIGINT NOT NULL,
    reason     TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (generation, source)
);
