-- How far each partition of a topic has been written: the offset to read next, and what the rows stand for: the last
-- clock and since when the stage that wrote it has seen blocks, unknown until a clock is read. Advanced in the same
-- transaction as the rows, so that the two never disagree.
--
-- Text is ordered byte by byte, here and in every table, whatever the language of the database is: pages are in that
-- order.
CREATE TABLE sink_positions (
    generation  BIGINT NOT NULL,
    topic       TEXT   COLLATE "C" NOT NULL,
    partition   BIGINT NOT NULL,
    next        BIGINT NOT NULL,
    clock       BIGINT,
    block       BIGINT,
    since_time  BIGINT,
    since_block BIGINT,
    PRIMARY KEY (generation, topic, partition)
);
