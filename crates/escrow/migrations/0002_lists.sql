-- Lists of agreements in the order in which they are shown, and the money that agreements hold now: neither takes longer the more have ended.

DROP INDEX agreements_proposer;
DROP INDEX agreements_acceptor;
CREATE INDEX agreements_listed ON agreements (ended, changed DESC);
CREATE INDEX agreements_proposer ON agreements (proposer, ended, changed DESC);
CREATE INDEX agreements_acceptor ON agreements (acceptor, ended, changed DESC);
CREATE INDEX balances_present ON balances (account, units) WHERE units <> 0;
