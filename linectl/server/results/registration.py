"""The registration under which a run of a confirmation is made: no run without it, and its hash goes with the run."""

from __future__ import annotations

from pathlib import Path

from linectl.errors import Refused
from linectl.lab.confirmation.registry import REGISTERED, Register
from linectl.model.confirmations import set_of
from linectl.model.experiments import Experiment
from linectl.store.reader import StoreReader
from linectl.words import tr

__all__ = ["find_register", "registered", "registration_of"]


def registered(reader: StoreReader) -> list[Register]:
    """Return all confirmations of a store, oldest first."""
    names = dict.fromkeys(event.run for event in reader.events_of(REGISTERED))
    return [Register.of(reader.events(name)) for name in names]


def find_register(reader: StoreReader, name: str) -> Register:
    """Return the register of one confirmation.

    Raises:
        Refused: there is none of that name; those that are there are named.
    """
    found = registered(reader)
    for entry in found:
        if entry.first.id == name:
            return entry
    names = ", ".join(entry.first.id for entry in found) or tr("none")
    raise Refused(
        tr("no confirmation {name} is registered; there are: {names}").format(name=name, names=names),
        hint=tr("register one with: linectl confirm register RUN --glue GLUE --rule 628/2 --lot LOT"),
    )


def registration_of(store: Path, experiment: Experiment) -> str:
    """Return the hash of the confirmation that `experiment` is a run of; "" for any other experiment.

    Raises:
        Refused: no such confirmation is registered in the line's store.
    """
    if not experiment.confirmation:
        return ""
    name, _ = set_of(experiment.confirmation)
    return find_register(StoreReader(store), name).present.sha256()
