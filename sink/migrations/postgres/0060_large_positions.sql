-- The largest positions of each coin, long and short: from a size on, which the mark of the moment gives, is one walk.
CREATE INDEX position_risks_by_size ON position_risks (generation, coin, (coalesce(size, 'Infinity')), wallet);
