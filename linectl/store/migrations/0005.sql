-- The store, version 5: words that people keep with a run, to find it again.

CREATE TABLE run_tag(
  run TEXT NOT NULL REFERENCES run,
  word TEXT NOT NULL,
  PRIMARY KEY(run, word)
) STRICT;
