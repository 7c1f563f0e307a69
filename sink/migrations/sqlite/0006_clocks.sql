-- What the rows stand for: with the last clock of a partition, and since when the stage that wrote it has seen blocks.
-- Unknown until a clock is read.
ALTER TABLE sink_positions ADD COLUMN clock INTEGER;
ALTER TABLE sink_positions ADD COLUMN block INTEGER;
ALTER TABLE sink_positions ADD COLUMN since_time INTEGER;
ALTER TABLE sink_positions ADD COLUMN since_block INTEGER;
