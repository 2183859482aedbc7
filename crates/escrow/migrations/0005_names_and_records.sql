-- How much money the endings in `times` have to do with: of failures what they weigh, of met targets the fees that they have cost.
ALTER TABLE outcomes ADD COLUMN units BIGINT NOT NULL DEFAULT 0;

-- Which model an agreement is about, and how it ended: what was proved of a model is found however many agreements its customer has.
ALTER TABLE agreements ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE agreements ADD COLUMN outcome TEXT;
CREATE INDEX agreements_outcome ON agreements (proposer, model, outcome, changed DESC);
