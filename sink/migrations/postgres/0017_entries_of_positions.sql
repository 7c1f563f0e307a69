-- At which price a position was entered, and what it has realised: unknown in rows that were written before.
ALTER TABLE positions ADD COLUMN entry_px NUMERIC;
ALTER TABLE positions ADD COLUMN realised_pnl NUMERIC;
