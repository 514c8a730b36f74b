"""Faults of the simulator as data."""
