-- What of each source is or may be missing, from where to where, and what of that was found again: a gap is open until
-- it has a time at which it was healed. A source that does not number its blocks has gaps from block 0.
CREATE TABLE source_gaps (
    generation    BIGINT NOT NULL,
    source        TEXT   COLLATE "C" NOT NULL,
    from_time     BIGINT NOT NULL, -- 0 when it is not known
    from_block    BIGINT NOT NULL,
    to_time       BIGINT,
    to_block      BIGINT,
    noticed       BIGINT, -- unknown while only the healing was told, as is the reason
    reason        TEXT   COLLATE "C",
    healed        BIGINT,
    healed_by     TEXT   COLLATE "C",
    healed_reason TEXT   COLLATE "C",
    PRIMARY KEY (generation, source, from_time, from_block)
);

-- A page is one walk through time: of one source by the key, of all of them by this.
CREATE INDEX source_gaps_by_time ON source_gaps (generation, from_time, source, from_block);
