-- The store, version 3: the audit trail. Who did what, to what, from what to what, why and when; a chain of hashes
-- (audit.py) shows any later change of it.

CREATE TABLE audit(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ts_ns INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  old TEXT,  -- a JSON value; NULL: there was none, or it is not known
  new TEXT,  -- the same
  reason TEXT NOT NULL,
  prev BLOB NOT NULL,  -- hash of the entry before; 32 zero bytes in the first
  hash BLOB NOT NULL
) STRICT;

-- The trail only grows. Whoever drops these to change it is told of by the chain.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit trail only grows'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit trail only grows'); END;
