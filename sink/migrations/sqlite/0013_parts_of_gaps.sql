-- Two gaps of a source may begin at the same time, each of another part of it: of other coins, of another wallet. A gap of
-- all of the source is of the part ''.
CREATE TABLE gaps_of_parts (
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
    part          TEXT    NOT NULL,
    PRIMARY KEY (generation, source, from_time, from_block, part)
) STRICT, WITHOUT ROWID;

INSERT INTO gaps_of_parts
SELECT generation, source, from_time, from_block, to_time, to_block, noticed, reason, healed, healed_by, healed_reason, ''
FROM source_gaps;
DROP TABLE source_gaps;
ALTER TABLE gaps_of_parts RENAME TO source_gaps;

-- A page is one walk through time: of one source by the key, of all of them by this.
CREATE INDEX source_gaps_by_time ON source_gaps (generation, from_time, source, from_block, part);

-- What the table looks like once it is full, for the planner.
DELETE FROM sqlite_stat1 WHERE tbl = 'source_gaps';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('source_gaps', 'source_gaps', '100000 100000 20000 2 2 1'),
    ('source_gaps', 'source_gaps_by_time', '100000 100000 2 2 2 1');
ANALYZE sqlite_schema;
