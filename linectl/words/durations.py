"""Durations as people say them."""

from __future__ import annotations

from linectl.words import tr

__all__ = ["duration_text"]


def duration_text(seconds: float) -> str:
    """Return a duration for people: `45 s`, `12 min`, `2 h 05`."""
    if seconds < 60:
        return tr("{s} s").format(s=round(seconds))
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{min} min").format(min=minutes)
    return tr("{h} h {min:02d}").format(h=minutes // 60, min=minutes % 60)
