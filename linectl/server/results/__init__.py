"""Finished runs: what is made of them, read-only, with no line and no server running."""
