-- How much of all open interest is known: unknown in rows that were written before.
ALTER TABLE market_ratios ADD COLUMN oi_coverage_pct TEXT;
