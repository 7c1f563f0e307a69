-- Long and short accounts per coin, interval and bucket. Decimals are exact text; what is not known is NULL.
--
-- The table lies in the order of its key: the history of a coin is one walk forwards or backwards, the latest bucket is
-- its first step, and the next coin or interval is one jump away.
CREATE TABLE long_short_ratios (
    generation     INTEGER NOT NULL,
    coin           TEXT    NOT NULL,
    interval       TEXT    NOT NULL,
    time           INTEGER NOT NULL,
    long_accounts  INTEGER NOT NULL,
    short_accounts INTEGER NOT NULL,
    long_ratio     TEXT,
    short_ratio    TEXT,
    open           TEXT,
    high           TEXT,
    low            TEXT,
    close          TEXT,
    complete       INTEGER NOT NULL,
    final          INTEGER NOT NULL,
    block          INTEGER NOT NULL,
    clock          INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, interval, time)
) STRICT, WITHOUT ROWID;
