"""Codes of the simulated line."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_simulated"]


def of_simulated() -> tuple[Explanation, ...]:
    """Return the explanations, in the language in use."""
    return (
        Explanation(
            "E-SIM-001",
            exit_code=4,
            meaning=tr("No simulated line is up, or the one that was does not answer."),
            causes=tr("It was never started, was ended, or died; or its folder (--data) is another."),
            remedy=tr("Start one in another terminal; give the same --data to both."),
            command="linectl sim up simulated",
        ),
        Explanation(
            "E-SIM-002",
            exit_code=6,
            meaning=tr("Several simulated lines are up, and it was not said which is meant."),
            causes=tr("One was left running, or two people work on this computer."),
            remedy=tr("Say which with --sim, by its name or process id; the message lists them."),
            command="linectl sim show --sim NAME",
        ),
        Explanation(
            "E-SIM-005",
            exit_code=3,
            meaning=tr("A fault cannot be ordered as it is told."),
            causes=tr("A kind, target or figure that is not known, or a figure out of its range."),
            remedy=tr("See what the kind takes, and say it again."),
            command="linectl sim fault kinds",
        ),
        Explanation(
            "E-SIM-006",
            exit_code=3,
            meaning=tr("There is no fault of this number that stands or waits."),
            causes=tr("It has ended by itself, was mended already, or the number is another."),
            remedy=tr("Take the number from the list."),
            command="linectl sim fault ls",
        ),
        Explanation(
            "E-SIM-007",
            exit_code=6,
            meaning=tr("The simulated line has no washer: nothing can be fed to it."),
            causes=tr("The soak bath is up, not the washer."),
            remedy=tr("Start the washer, and feed that one."),
            command="linectl sim up simulated_washer",
        ),
        Explanation(
            "E-SIM-008",
            exit_code=6,
            meaning=tr("This computer cannot hold the speed that was asked."),
            causes=tr("The speed is too high, or other programs use the processor."),
            remedy=tr("Ask for at most the speed that the message names, or use virtual time."),
            command="linectl sim scenario FILE",
        ),
        Explanation(
            "E-SIM-009",
            exit_code=3,
            meaning=tr("A lot of bottles cannot be fed as it is told."),
            causes=tr("A figure of the lot that is none, or out of its range."),
            remedy=tr("Correct the figure that the message names."),
            command="linectl sim feed --help",
        ),
    )
