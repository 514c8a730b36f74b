-- The store, version 1. One file per line. Times are ns UTC; `boot` names one start of the program that scanned.

CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE reason(code INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL) STRICT;  -- low six bits of a quality byte

CREATE TABLE scan_group(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, period_ms INTEGER NOT NULL) STRICT;

-- A tag whose unit or type changes in the configuration gets a new row: what was stored keeps what it was stored in.
CREATE TABLE tag(
  id INTEGER PRIMARY KEY CHECK(id BETWEEN 1 AND 65535),
  path TEXT NOT NULL,
  unit TEXT NOT NULL,
  dtype TEXT NOT NULL CHECK(dtype IN ('float', 'int', 'bool')),
  UNIQUE(path, unit, dtype)
) STRICT;

CREATE TABLE layout(
  id INTEGER PRIMARY KEY,
  grp INTEGER NOT NULL REFERENCES scan_group,
  tags BLOB NOT NULL,  -- ordered tag ids, two bytes each, little-endian
  UNIQUE(grp, tags)
) STRICT;

-- One row per commit and layout holds all its scans, column by column (codec.py).
CREATE TABLE hot(
  id INTEGER PRIMARY KEY,
  layout INTEGER NOT NULL REFERENCES layout,
  boot TEXT NOT NULL,
  seq0 INTEGER NOT NULL,
  seq1 INTEGER NOT NULL,
  m0_ns INTEGER NOT NULL,
  t0 INTEGER NOT NULL,
  t1 INTEGER NOT NULL,
  n INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE INDEX hot_boot ON hot(boot, layout, seq1);

CREATE TABLE run(
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  ref TEXT NOT NULL,
  line TEXT NOT NULL,
  state TEXT NOT NULL,
  operator TEXT NOT NULL,
  started_ns INTEGER NOT NULL,
  ended_ns INTEGER,
  exit_status TEXT CHECK(exit_status IN ('success', 'abort', 'fail')),
  reason TEXT NOT NULL,
  seed INTEGER,
  speed REAL NOT NULL,
  config_hash TEXT NOT NULL,
  calibration_hash TEXT NOT NULL,
  simulated INTEGER NOT NULL,
  definition TEXT NOT NULL,
  version TEXT NOT NULL
) STRICT;

CREATE TABLE trial(
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES run,
  ord INTEGER NOT NULL,
  temperature_c REAL NOT NULL,
  naoh_pct REAL NOT NULL,
  replicate INTEGER NOT NULL,
  block TEXT NOT NULL,
  state TEXT NOT NULL,
  started_ns INTEGER,
  ended_ns INTEGER,
  naoh_measured_pct REAL,
  UNIQUE(run, ord)
) STRICT;

-- The scans of a run or of one of its trials, one row per boot; seq1 NULL: still open.
CREATE TABLE span(
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES run,
  trial INTEGER REFERENCES trial,
  grp INTEGER NOT NULL REFERENCES scan_group,
  boot TEXT NOT NULL,
  seq0 INTEGER NOT NULL,
  seq1 INTEGER
) STRICT;
CREATE INDEX span_run ON span(run);

CREATE TABLE bottle(
  id INTEGER PRIMARY KEY,
  trial INTEGER NOT NULL REFERENCES trial,
  label TEXT NOT NULL,
  position INTEGER NOT NULL,
  glue TEXT NOT NULL,
  inserted_ns INTEGER NOT NULL,
  last_attached_ns INTEGER,
  first_detached_ns INTEGER,
  mode TEXT NOT NULL,
  residue_pct REAL,
  UNIQUE(trial, label)
) STRICT;

CREATE TABLE bottle_check(
  bottle INTEGER NOT NULL REFERENCES bottle,
  planned_ns INTEGER NOT NULL,
  done_ns INTEGER,
  attached INTEGER CHECK(attached IN (0, 1)),
  PRIMARY KEY(bottle, planned_ns)
) STRICT;

CREATE TABLE event(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ts_ns INTEGER NOT NULL,
  run TEXT NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX event_run ON event(run);
