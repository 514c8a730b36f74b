"""The doctor: what is looked at, one module per part, and what is said of it."""
