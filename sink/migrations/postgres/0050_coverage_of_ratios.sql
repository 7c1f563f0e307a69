-- How much of the coin's open interest is known: unknown in rows that were written before.
ALTER TABLE long_short_ratios ADD COLUMN oi_coverage_pct NUMERIC;
