-- A day is a partition: what is too old goes in one piece, and nothing is deleted row by row. What is there moves, which takes
-- some minutes where there is much of it.
ALTER TABLE transactions RENAME TO transactions_before;
ALTER TABLE transactions_before DROP CONSTRAINT transactions_pkey;
DROP INDEX transactions_by_coin, transactions_by_wallet, transactions_by_order, transactions_by_hash, transactions_from_10k, transactions_from_100k, transactions_from_1m, transactions_by_coin_from_10k, transactions_by_coin_from_100k, transactions_by_coin_from_1m, transactions_by_wallet_from_10k;
CREATE TABLE transactions (LIKE transactions_before, PRIMARY KEY (generation, time, block, idx, wallet)) PARTITION BY RANGE (time);
CREATE INDEX transactions_by_coin ON transactions (generation, coin, time, block, idx, wallet);
CREATE INDEX transactions_by_wallet ON transactions (generation, wallet, time, block, idx);
CREATE INDEX transactions_by_order ON transactions (generation, oid, time, block, idx, wallet);
CREATE INDEX transactions_by_hash ON transactions (generation, hash, time, block, idx, wallet);
CREATE INDEX transactions_from_10k ON transactions (generation, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 10000;
CREATE INDEX transactions_from_100k ON transactions (generation, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 100000;
CREATE INDEX transactions_from_1m ON transactions (generation, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 1000000;
CREATE INDEX transactions_by_coin_from_10k ON transactions (generation, coin, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 10000;
CREATE INDEX transactions_by_coin_from_100k ON transactions (generation, coin, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 100000;
CREATE INDEX transactions_by_coin_from_1m ON transactions (generation, coin, time, block, idx, wallet) WHERE coalesce(notional, 'Infinity') >= 1000000;
CREATE INDEX transactions_by_wallet_from_10k ON transactions (generation, wallet, time, block, idx) WHERE coalesce(notional, 'Infinity') >= 10000;

ALTER TABLE position_history RENAME TO position_history_before;
ALTER TABLE position_history_before DROP CONSTRAINT position_history_pkey;
DROP INDEX position_history_by_time, position_history_by_coin, position_history_of_closed;
CREATE TABLE position_history (LIKE position_history_before, PRIMARY KEY (generation, wallet, time, coin, block, idx)) PARTITION BY RANGE (time);
CREATE INDEX position_history_by_time ON position_history (generation, time, wallet, coin, block, idx);
CREATE INDEX position_history_by_coin ON position_history (generation, coin, time, wallet, block, idx);
CREATE INDEX position_history_of_closed ON position_history (generation, time, wallet, coin, block, idx) WHERE side = 'flat';

DO $$
DECLARE
    name TEXT;
    day BIGINT;
BEGIN
    FOREACH name IN ARRAY ARRAY['transactions', 'position_history'] LOOP
        FOR day IN EXECUTE format('SELECT DISTINCT time / 86400000 FROM %I', name || '_before') LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                name || '_' || day, name, day * 86400000, (day + 1) * 86400000);
        END LOOP;
        EXECUTE format('INSERT INTO %I SELECT * FROM %I', name, name || '_before');
        EXECUTE format('DROP TABLE %I', name || '_before');
    END LOOP;
END $$;
