"""Why a reading cannot be trusted, in words for people."""

from __future__ import annotations

from linectl.words import tr

__all__ = ["reason_text"]


def reason_text(reason: str) -> str:
    """Return what a `reason` (a machine word of `readings.BAD_REASONS`, or none) means; an unknown one as it is."""
    words = {
        "": tr("good"),
        "not_connected": tr("not connected"),
        "sensor_failure": tr("sensor failure"),
        "out_of_range": tr("out of range"),
        "stale": tr("too old"),
        "waiting_for_initial_data": tr("nothing yet"),
        "out_of_service": tr("not there"),
        "substituted": tr("substituted"),
        "timeout": tr("no answer"),
        "bad_reply": tr("wrong answer"),
    }
    return words.get(reason, reason)
