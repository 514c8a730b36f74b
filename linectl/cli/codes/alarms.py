"""Codes of the alarms."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_alarms"]


def of_alarms() -> tuple[Explanation, ...]:
    """Return the explanations, in the language in use."""
    return (
        Explanation(
            "E-ALM-001",
            exit_code=6,
            meaning=tr("There is no such alarm, or none was named."),
            causes=tr("A misspelt name, or an alarm of another line."),
            remedy=tr("Look at the names of the line's alarms."),
            command="linectl alarms ls --all",
        ),
        Explanation(
            "E-ALM-002",
            exit_code=6,
            meaning=tr("The alarm is not in a state in which that makes sense."),
            causes=tr("Somebody else was quicker, or its cause came or went meanwhile."),
            remedy=tr("Look at its state; a latched alarm is acknowledged first, then reset."),
            command="linectl alarms ls",
        ),
        Explanation(
            "E-ALM-003",
            exit_code=6,
            meaning=tr("A reason or a text is missing."),
            causes=tr("An alarm is put aside only for a reason that whoever comes next can read."),
            remedy=tr("Say why."),
            command="linectl alarms shelve ID --for 30m --reason TEXT",
        ),
        Explanation(
            "E-ALM-004",
            exit_code=6,
            meaning=tr("The alarm may not be shelved for so long, or for so short a time."),
            causes=tr("The alarms file of the line gives the longest time (`shelve_most`)."),
            remedy=tr("Shelve it for a shorter time, or have somebody of service take it out of service."),
            command="linectl alarms shelve ID --for 30m --reason TEXT",
        ),
        Explanation(
            "E-ALM-005",
            exit_code=6,
            meaning=tr("The line has no alarms."),
            causes=tr("Its file names no file of alarms."),
            remedy=tr("Name one in the line's file (`alarms: FILE`), then serve the line again."),
            command="linectl config check FILE",
        ),
    )
