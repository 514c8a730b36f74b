"""Frames of each protocol as pure functions: bytes in, typed values out, no I/O."""
