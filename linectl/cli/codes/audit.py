"""Codes of the audit trail."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_audit"]


def of_audit() -> tuple[Explanation, ...]:
    """Return the explanations, in the language in use."""
    return (
        Explanation(
            "E-AUD-001",
            exit_code=5,
            meaning=tr("The audit trail is broken: an entry was changed, taken away or cut off."),
            causes=tr("Somebody wrote to the store with another program, or the disk is damaged."),
            remedy=tr("Keep the file as it is; compare it with its last backup and with the exports made from it."),
            command="linectl audit ls FILE",
        ),
        Explanation(
            "E-AUD-002",
            exit_code=3,
            meaning=tr("The export holds no head of an audit trail."),
            causes=tr("A linectl without an audit trail made it."),
            remedy=tr("Export the run again to have one from now on."),
            command="linectl export RUN",
        ),
        Explanation(
            "E-AUD-003",
            exit_code=3,
            meaning=tr("What --head names is neither a hash nor an export."),
            causes=tr("A hash that was not copied whole, or a file that is no manifest."),
            remedy=tr("Copy the 64 digits from the export's manifest.json, or name the export itself."),
            command="linectl audit verify FILE --head EXPORT",
        ),
        Explanation(
            "E-AUD-004",
            exit_code=5,
            meaning=tr("The head is of another store."),
            causes=tr("The export was made from another store than the one that is proven."),
            remedy=tr("Name the store from which the export was made."),
            command="linectl audit verify FILE --head EXPORT",
        ),
    )
