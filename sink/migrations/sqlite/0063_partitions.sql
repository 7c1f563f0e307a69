-- A day is a partition in Postgres. SQLite has none, and takes what is too old away row by row.
SELECT 1;
