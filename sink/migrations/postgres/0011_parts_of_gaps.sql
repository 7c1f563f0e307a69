-- Two gaps of a source may begin at the same time, each of another part of it: of other coins, of another wallet. A gap of
-- all of the source is of the part ''.
ALTER TABLE source_gaps ADD COLUMN part TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE source_gaps ALTER COLUMN part DROP DEFAULT;
ALTER TABLE source_gaps DROP CONSTRAINT source_gaps_pkey;
ALTER TABLE source_gaps ADD PRIMARY KEY (generation, source, from_time, from_block, part);
DROP INDEX source_gaps_by_time;
CREATE INDEX source_gaps_by_time ON source_gaps (generation, from_time, source, from_block, part);
