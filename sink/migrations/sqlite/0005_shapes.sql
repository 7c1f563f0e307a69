-- What the tables look like once they are full, for SQLite's query planner: rows in all, then rows per value of one, two
-- … columns of the key. Nobody counts them later, and without a count the planner takes every column for a good one to
-- look by. The generation is not: there is one.
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('positions', 'positions', '1000000 1000000 5000 1'),
    ('positions', 'positions_by_wallet', '1000000 1000000 5 1'),
    ('long_short_ratios', 'long_short_ratios', '10000000 10000000 50000 17000 1'),
    ('markets', 'markets', '500 500 1'),
    ('sink_positions', 'sink_positions', '20 20 4 1');
-- Makes the planner read them again.
ANALYZE sqlite_schema;
