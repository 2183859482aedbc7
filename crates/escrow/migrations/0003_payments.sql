-- Payments from and to the world outside. 'holder' is an account as in balances.
CREATE TABLE payments (
    holder    TEXT   NOT NULL,
    direction TEXT   NOT NULL,
    reference TEXT   NOT NULL,
    amount    BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    standing  TEXT   NOT NULL,
    -- The entries that recorded it, and that changed it last.
    recorded  BIGINT NOT NULL,
    changed   BIGINT NOT NULL,
    PRIMARY KEY (holder, direction, reference)
);
CREATE INDEX payments_recorded ON payments (recorded);
CREATE INDEX payments_standing ON payments (standing, recorded);

-- What each entry did to what a party, or the escrow's fees, can dispose of.
CREATE TABLE movements (
    account  TEXT   NOT NULL,
    position BIGINT NOT NULL,
    units    BIGINT NOT NULL,
    balance  BIGINT NOT NULL,
    PRIMARY KEY (account, position)
);
CREATE INDEX movements_position ON movements (position);
