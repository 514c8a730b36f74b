"""The store: runs, trials, bottles, samples and events in one SQLite file."""
