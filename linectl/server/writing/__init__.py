"""Writes by hand: who is armed, what is checked, ramps, values for a time, undo."""
