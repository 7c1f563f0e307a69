-- The largest positions of each coin, long and short: from a size on, which the mark of the moment gives, is one walk.
-- Decimals are text here: beside the size stands a text that sorts where it does. Of what is below zero all digits are
-- turned round, and an end is set.
ALTER TABLE position_risks ADD COLUMN size_key TEXT NOT NULL DEFAULT '3';
UPDATE position_risks SET size_key = (
    SELECT CASE
        WHEN digits = '' THEN '1'
        WHEN is_negative THEN '0' || printf('%02d', 99 - place)
            || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
                digits, '0', 'a'), '9', '0'), 'a', '9'), '1', 'a'), '8', '1'), 'a', '8'), '2', 'a'), '7', '2'), 'a', '7'),
                '3', 'a'), '6', '3'), 'a', '6'), '4', 'a'), '5', '4'), 'a', '5') || '~'
        ELSE '2' || printf('%02d', place) || digits
    END FROM (
        SELECT is_negative, 50 + length(whole) - (length(whole || part) - length(ltrim(whole || part, '0'))) AS place,
            rtrim(ltrim(whole || part, '0'), '0') AS digits
        FROM (
            SELECT is_negative, substr(plain, 1, instr(plain || '.', '.') - 1) AS whole, substr(plain, instr(plain || '.', '.') + 1) AS part
            FROM (SELECT size LIKE '-%' AS is_negative, ltrim(size, '-') AS plain)
        )
    )
);

CREATE INDEX position_risks_by_size ON position_risks (generation, coin, size_key, wallet);

-- What the table looks like once it is full, for the planner.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('position_risks', 'position_risks_by_size', '1000000 1000000 5000 2 1');
ANALYZE sqlite_schema;
