-- The store, version 4: wash lots, bottles in quarantine, and the line's counters over restarts of linectl.

CREATE TABLE lot(
  name TEXT PRIMARY KEY,
  grower TEXT NOT NULL,
  bottle TEXT NOT NULL,
  glue TEXT NOT NULL,
  started_ns INTEGER NOT NULL,
  started_by TEXT NOT NULL,
  glue_lot TEXT NOT NULL,
  note TEXT NOT NULL,
  recipe TEXT NOT NULL,
  recipe_hash TEXT NOT NULL,
  verdict TEXT NOT NULL,
  verdict_hash TEXT NOT NULL,
  ended_ns INTEGER,
  ended_by TEXT NOT NULL,
  washed_ns INTEGER,
  reuse_by_ns INTEGER,
  delivered_ns INTEGER,
  delivered_by TEXT NOT NULL,
  bottles_in INTEGER NOT NULL,
  bottles_seen INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  label_rejects INTEGER,  -- NULL: the inspector does not tell, or could not be heard
  water_l REAL,           -- NULL in these three: nothing measures it
  energy_wh REAL,
  naoh_g REAL,
  marks TEXT NOT NULL     -- a JSON object: the line's counters at the lot's bounds
) STRICT;

-- Bottles set aside, by their number in the lot; `last` NULL: those that follow too. `lot` '': bottles of none.
CREATE TABLE quarantine(
  id INTEGER PRIMARY KEY,
  lot TEXT NOT NULL,
  reason TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER,
  since_ns INTEGER NOT NULL,
  by TEXT NOT NULL,
  told TEXT NOT NULL,
  released_ns INTEGER,
  released_by TEXT NOT NULL,
  release_reason TEXT NOT NULL
) STRICT;
CREATE INDEX quarantine_lot ON quarantine(lot);

-- A device's counter starts again when it is full; what it counted in all stands here.
CREATE TABLE counter(
  name TEXT PRIMARY KEY,
  raw INTEGER NOT NULL,
  total INTEGER NOT NULL
) STRICT;
