-- What of each source is or may be missing, from where to where, and what of that was found again: a gap is open until
-- it has a time at which it was healed. A source that does not number its blocks has gaps from block 0.
CREATE TABLE source_gaps (
    generation    INTEGER NOT NULL,
    source        TEXT    NOT NULL,
    from_time     INTEGER NOT NULL, -- 0 when it is not known
    from_block    INTEGER NOT NULL,
    to_time       INTEGER,
    to_block      INTEGER,
    noticed       INTEGER, -- unknown while only the healing was told, as is the reason
    reason        TEXT,
    healed        INTEGER,
    healed_by     TEXT,
    healed_reason TEXT,
    PRIMARY KEY (generation, source, from_time, from_block)
) STRICT, WITHOUT ROWID;

-- A page is one walk through time: of one source by the key, of all of them by this.
CREATE INDEX source_gaps_by_time ON source_gaps (generation, from_time, source, from_block);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('source_gaps', 'source_gaps', '100000 100000 20000 1 1'),
    ('source_gaps', 'source_gaps_by_time', '100000 100000 1 1 1');
ANALYZE sqlite_schema;
