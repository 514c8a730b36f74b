"""Instruments on serial lines, each a small class."""
