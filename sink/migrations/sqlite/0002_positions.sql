-- What each wallet holds in each coin; a position that was closed has no row. Decimals are exact text.
--
-- The table lies in the order of its key: a page of positions, of all coins or of one, is one walk from where the page
-- before ended.
CREATE TABLE positions (
    generation INTEGER NOT NULL,
    coin       TEXT    NOT NULL,
    wallet     TEXT    NOT NULL,
    side       TEXT    NOT NULL CHECK (side IN ('long', 'short')),
    size       TEXT    NOT NULL,
    opened_at  INTEGER, -- unknown when the position is older than what was seen
    changed_at INTEGER NOT NULL,
    last_px    TEXT    NOT NULL,
    block      INTEGER NOT NULL,
    idx        INTEGER NOT NULL,
    clock      INTEGER NOT NULL,
    PRIMARY KEY (generation, coin, wallet)
) STRICT, WITHOUT ROWID;

-- "What does this wallet hold" would otherwise read every coin.
CREATE INDEX positions_by_wallet ON positions (generation, wallet, coin);
