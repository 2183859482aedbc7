-- The marketplace's rules, in one row; those that hold before there is one are the program's.
CREATE TABLE rules (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    content  BYTEA  NOT NULL
);

-- How many agreements a stake has covered.
CREATE TABLE covered (
    stake      TEXT   PRIMARY KEY,
    agreements BIGINT NOT NULL
);

-- How agreements of an account have ended: how many of a kind, whether it had proposed them, and with which outcome.
CREATE TABLE outcomes (
    account  TEXT   NOT NULL,
    proposed BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    outcome  TEXT   NOT NULL,
    times    BIGINT NOT NULL,
    PRIMARY KEY (account, proposed, kind, outcome)
);
