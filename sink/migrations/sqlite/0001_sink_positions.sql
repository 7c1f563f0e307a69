-- How far each partition of a topic has been written: the offset to read next. It is advanced in the same transaction
-- as the rows, so that the two never disagree.
CREATE TABLE sink_positions (
    generation INTEGER NOT NULL,
    topic      TEXT    NOT NULL,
    partition  INTEGER NOT NULL,
    next       INTEGER NOT NULL,
    PRIMARY KEY (generation, topic, partition)
) STRICT, WITHOUT ROWID;
