"""Codes of the machine's commands, its recipes and wash lots."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_machine"]


def of_machine() -> tuple[Explanation, ...]:
    """Return the explanations, in the language in use."""
    return (*_of_commands(), *_of_lots())


def _of_commands() -> tuple[Explanation, ...]:
    return (
        Explanation(
            "E-MCH-001",
            exit_code=6,
            meaning=tr("The command is not possible in the state in which the machine is; nothing was sent."),
            causes=tr("A step left out (reset before start, clear after an abort), or the controller does not answer."),
            remedy=tr("The message names the state and the commands that are possible in it."),
            command="linectl status",
        ),
        Explanation(
            "E-MCH-002",
            exit_code=6,
            meaning=tr("The machine may not start: a condition for it is missing; nothing was sent."),
            causes=tr("An open door, a contact, a recipe that nobody has selected; each is named."),
            remedy=tr("Put right what the message names, then give the command again."),
            command="linectl status",
        ),
        Explanation(
            "E-MCH-003",
            exit_code=7,
            meaning=tr("Nobody said yes to a stop, or to another mode, that loses something."),
            causes=tr("Bottles are inside, or a lot or a run is under way."),
            remedy=tr("Hold keeps all of it; or stop and say yes."),
            command="linectl hold",
        ),
        Explanation(
            "E-MCH-004",
            exit_code=6,
            meaning=tr("The recipe does not fit the line; nothing was written."),
            causes=tr("A value beyond the line's limits, or a recipe for another machine."),
            remedy=tr("Change the recipe, or the limits in the line's file."),
            command="linectl recipe show NAME",
        ),
        Explanation(
            "E-MCH-005",
            exit_code=5,
            meaning=tr("A value of the recipe was not taken: the machine is set to parts of two recipes."),
            causes=tr("The controller clamped it, the line was lost on the way, or somebody else writes."),
            remedy=tr("Put the cause right and select a recipe again, before anything is washed."),
            command="linectl recipe select NAME",
        ),
    )


def _of_lots() -> tuple[Explanation, ...]:
    return (
        Explanation(
            "E-LOT-001",
            exit_code=6,
            meaning=tr("There is no wash lot of that name."),
            causes=tr("A name mistyped, or the store of another line."),
            remedy=tr("List the lots and copy the name."),
            command="linectl lot ls",
        ),
        Explanation(
            "E-LOT-002",
            exit_code=6,
            meaning=tr("A lot cannot begin or end like that."),
            causes=tr("Another lot goes in, its name is taken, or the bottles cannot be counted."),
            remedy=tr("The message says which; one lot goes in at a time."),
            command="linectl lot show last",
        ),
        Explanation(
            "E-LOT-003",
            exit_code=6,
            meaning=tr("The bottles of the lot cannot be set aside, released or delivered like that."),
            causes=tr("No reason was given, the cause still stands, or bottles of it are in quarantine."),
            remedy=tr("Give a reason with --reason; put the cause right and reset the interlock before a release."),
            command="linectl lot show NAME",
        ),
        Explanation(
            "E-LOT-004",
            exit_code=6,
            meaning=tr("It is not clear whose lots are meant."),
            causes=tr("No line is served, and none or several of the stores in the folder have lots."),
            remedy=tr("Name the line with --line, or the folder of its store with --data."),
            command="linectl lot ls --line LINE",
        ),
    )
