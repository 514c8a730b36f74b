-- The store, version 2: stirrer as a factor, blind codes, factors of the bottle, looks of a second examiner.

ALTER TABLE trial ADD COLUMN agitation_pct REAL;

ALTER TABLE bottle ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE bottle ADD COLUMN factors TEXT NOT NULL DEFAULT '{}';  -- a JSON object of texts

-- The examiner becomes part of the key: two persons look at one bottle at the same planned time.
CREATE TABLE bottle_check_2(
  bottle INTEGER NOT NULL REFERENCES bottle,
  planned_ns INTEGER NOT NULL,
  examiner TEXT NOT NULL DEFAULT '',
  done_ns INTEGER,
  attached INTEGER CHECK(attached IN (0, 1)),
  PRIMARY KEY(bottle, planned_ns, examiner)
) STRICT;
INSERT INTO bottle_check_2(bottle, planned_ns, done_ns, attached)
 SELECT bottle, planned_ns, done_ns, attached FROM bottle_check;
DROP TABLE bottle_check;
ALTER TABLE bottle_check_2 RENAME TO bottle_check;
