"""Codes of the local API and of whoever serves a line."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_serving"]


def of_serving() -> tuple[Explanation, ...]:
    """Return the explanations in the language in use."""
    return (*_finding(), *_asking(), *_guarding())


def _finding() -> tuple[Explanation, ...]:
    return (
        Explanation(
            "E-SRV-001",
            exit_code=4,
            meaning=tr("Nobody serves the line on this computer, or its server does not answer."),
            causes=tr("It was not started, it was ended, or it died; a dead one leaves a file, which is put away."),
            remedy=tr("Start it in another terminal, or as a service, and say the command again."),
            command="linectl serve LINE",
        ),
        Explanation(
            "E-SRV-002",
            exit_code=6,
            meaning=tr("Several lines are served on this computer, and it was not said which is meant."),
            causes=tr("Two servers run, or a simulated line was left up beside the real one."),
            remedy=tr("Say which with --line; the message lists them."),
            command="linectl status --line LINE",
        ),
        Explanation(
            "E-LSE-003",
            exit_code=6,
            meaning=tr("Another process has the line: one alone may hold it, and write its record."),
            causes=tr("A server or a run has it; the message names its process, its holder and since when."),
            remedy=tr("Wait for it to end, ask its holder to end it, or work through it when it is a server."),
            command="linectl status",
        ),
    )


def _asking() -> tuple[Explanation, ...]:
    return (
        Explanation(
            "E-API-001",
            exit_code=6,
            meaning=tr("The server that is up speaks another version of the local API."),
            causes=tr("linectl was updated while a server stayed up."),
            remedy=tr("End the old server in its own terminal with Ctrl+C, and start it again."),
            command="linectl status",
        ),
        Explanation(
            "E-API-002",
            exit_code=6,
            meaning=tr("The server knows no operation of this name."),
            causes=tr("A program of your own speaks to it, with a slip in the name."),
            remedy=tr("The message lists the operations and the nearest one."),
            command="linectl status",
        ),
        Explanation(
            "E-API-003",
            exit_code=6,
            meaning=tr("One connection asks more than the server answers."),
            causes=tr("A program asks in a loop without a pause."),
            remedy=tr("Subscribe to what changes. Abort and hold are never kept waiting."),
            command="linectl status --json",
        ),
        Explanation(
            "E-API-004",
            exit_code=3,
            meaning=tr("An operation was asked for with arguments that it does not take."),
            causes=tr("One is missing, unknown, or of another type; the message names all of them."),
            remedy=tr("See what the operation takes: `operations` answers with its schema."),
            command="linectl status --json",
        ),
        Explanation(
            "E-API-005",
            exit_code=6,
            meaning=tr("The right to this operation is missing."),
            causes=tr("Roles are view, operate, research and service; each operation needs one of them."),
            remedy=tr("Let somebody do it who has the right."),
            command="linectl status",
        ),
        Explanation(
            "E-API-006",
            exit_code=6,
            meaning=tr("A key was used twice for different requests."),
            causes=tr("The same key means the same request, which is carried out once."),
            remedy=tr("Take a new key for each request."),
            command="linectl status",
        ),
        Explanation(
            "E-API-007",
            exit_code=6,
            meaning=tr("The state of a line has no section of this name."),
            causes=tr("A program of your own asks for it, with a slip in the name."),
            remedy=tr("The message lists the sections."),
            command="linectl status --json",
        ),
        Explanation(
            "E-API-008",
            exit_code=6,
            meaning=tr("This cannot be done without a reason: it is kept in the record."),
            causes=tr("A wait or soak was to end before its time, which is a deviation from the plan."),
            remedy=tr("Say why, with --reason."),
            command='linectl next --reason "TEXT"',
        ),
        Explanation(
            "E-RUN-008",
            exit_code=6,
            meaning=tr("A run is under way, and a line carries out one at a time."),
            causes=tr("Somebody started it before; the message names it."),
            remedy=tr("Wait for its end, or end it."),
            command="linectl status",
        ),
    )


def _guarding() -> tuple[Explanation, ...]:
    return (
        Explanation(
            "E-ILK-001",
            exit_code=6,
            meaning=tr("The line has no interlock of this name, or none at all."),
            causes=tr("A slip in the name, or the line file names no interlocks file."),
            remedy=tr("See what is tripped and what is missing."),
            command="linectl status",
        ),
        Explanation(
            "E-ILK-002",
            exit_code=6,
            meaning=tr("An interlock stands: what it stopped stays stopped."),
            causes=tr("Its cause is still there, or nobody has reset it since it went."),
            remedy=tr("See to the cause that the message names, then reset it."),
            command="linectl status",
        ),
        Explanation(
            "E-WRT-INTERLOCK",
            exit_code=6,
            meaning=tr("An interlock or a permissive does not allow this to be switched on or written now."),
            causes=tr("Its condition is not met, or a reading that it needs cannot be trusted: then it says no."),
            remedy=tr("See to what the message names; switching off is always allowed."),
            command="linectl status",
        ),
    )
