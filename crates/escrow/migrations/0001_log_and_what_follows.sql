-- One schema for SQLite and PostgreSQL. Names and digests are lower-case hexadecimal text; times are milliseconds of the escrow's clock.

-- The end of the log, in one row. Whoever writes takes this row first, so that writers follow one another.
CREATE TABLE head (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    -- How the log's entries are written.
    format   BIGINT NOT NULL,
    escrow   TEXT   NOT NULL,
    position BIGINT NOT NULL,
    digest   TEXT   NOT NULL,
    clock    BIGINT NOT NULL
);

-- What happened. Everything below follows from it.
CREATE TABLE log (
    position  BIGINT PRIMARY KEY,
    digest    TEXT   NOT NULL,
    request   TEXT   UNIQUE,
    agreement TEXT,
    entry     BYTEA  NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX log_agreement ON log (agreement, position);

CREATE TABLE agreements (
    id       TEXT   PRIMARY KEY,
    kind     TEXT   NOT NULL,
    stage    TEXT   NOT NULL,
    proposer TEXT   NOT NULL,
    acceptor TEXT   NOT NULL,
    ended    BIGINT NOT NULL,
    deadline BIGINT,
    opened   BIGINT NOT NULL,
    changed  BIGINT NOT NULL,
    content  BYTEA  NOT NULL
);
CREATE INDEX agreements_deadline ON agreements (ended, deadline);
CREATE INDEX agreements_proposer ON agreements (proposer, ended);
CREATE INDEX agreements_acceptor ON agreements (acceptor, ended);

-- What each account has; 'outside' owes what the others have together.
CREATE TABLE balances (
    account TEXT   PRIMARY KEY,
    units   BIGINT NOT NULL
);

-- The number of the last request of an account about an agreement that was carried out.
CREATE TABLE sequences (
    account   TEXT   NOT NULL,
    agreement TEXT   NOT NULL,
    last      BIGINT NOT NULL,
    PRIMARY KEY (account, agreement)
);

-- Files that parties have left: models' public commitments, proofs, ciphertexts.
CREATE TABLE files (
    agreement TEXT   NOT NULL,
    digest    TEXT   NOT NULL,
    owner     TEXT   NOT NULL,
    bytes     BIGINT NOT NULL,
    content   BYTEA  NOT NULL,
    PRIMARY KEY (agreement, digest)
);

-- Requests that wait for their turn to be verified, and when they were received, which counts when they come again after the escrow was stopped.
CREATE TABLE waiting (
    request   TEXT   PRIMARY KEY,
    agreement TEXT   NOT NULL,
    received  BIGINT NOT NULL
);
CREATE INDEX waiting_agreement ON waiting (agreement);

-- How much an account has left with an agreement, until that has ended.
CREATE TABLE room (
    agreement TEXT   NOT NULL,
    owner     TEXT   NOT NULL,
    files     BIGINT NOT NULL,
    bytes     BIGINT NOT NULL,
    PRIMARY KEY (agreement, owner)
);
CREATE INDEX room_owner ON room (owner);

-- Who writes: each escrow that starts takes the next term, and whoever has an earlier one writes nothing any more.
CREATE TABLE leader (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    term     BIGINT NOT NULL
);
