"""`linectl pause`, `next`, `cancel`, `answer`, `note`: what a person tells a run that a server holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from linectl.cli.asking import asking, of_line
from linectl.cli.output import emit
from linectl.errors import NotConfirmed, Refused
from linectl.words import tr

__all__ = ["answer", "cancel", "deviation", "next_", "note", "pause"]

reason_option = click.option("--reason", default="", help=tr("why; kept in the record"))


@click.command("pause", help=tr("Let the run stand still at the end of this step, outputs as they are."))
@reason_option
@of_line
def pause(reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """Ask for a pause."""
    with asking(data, line) as server:
        told = server.call("run_pause", why=reason)
    return _tell("pause", told, tr("pause at the end of this step"), as_json=as_json)


@click.command("next", help=tr("End the present wait or soak early; kept as a deviation, so --reason is needed."))
@reason_option
@of_line
def next_(reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """End the present wait."""
    with asking(data, line) as server:
        told = server.call("run_next", why=reason)
    return _tell("next", told, tr("ended early; kept as a deviation"), as_json=as_json)


@click.command("cancel", help=tr("End the run at its next safe point: it asks, naming what would be lost."))
@click.option("-y", "--yes", is_flag=True, help=tr("do not ask"))
@click.option("--scheduled", is_flag=True, help=tr("take back the run that is to start later, not the one under way"))
@reason_option
@of_line
def cancel(yes: bool, scheduled: bool, reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """End the run after a question; one that has yet to start is taken back without any: it loses nothing."""
    with asking(data, line) as server:
        state = server.call("status", sections=["run", "scheduled"])
        if scheduled or (state["run"] is None and state["scheduled"] is not None):
            told = server.call("run_cancel", why=reason, scheduled=True)
            return _tell("cancel", told, _taken_back(told["taken_back"]), as_json=as_json)
        if not yes and state["run"] is not None:  # else the server says that nothing runs
            sure(tr("{lost}. Cancel the run? [y/N] ").format(lost=server.call("run_would_lose")["text"]))
        told = server.call("run_cancel", why=reason)
    return _tell("cancel", told, tr("stopping at the next safe point"), as_json=as_json)


def _taken_back(due: Mapping[str, Any]) -> str:
    if due["state"] == "waiting":
        return tr("taken back: {experiment} will not start").format(experiment=due["experiment"])
    return tr("{experiment}, which did not start, is told of no more").format(experiment=due["experiment"])


@click.command("note", help=tr("Keep TEXT with the run under way, or with the line."))
@click.argument("text")
@of_line
def note(text: str, line: str, data: Path | None, as_json: bool) -> int:
    """Keep a note."""
    with asking(data, line) as server:
        server.call("note", text=text)
    return _tell("note", None, tr("noted"), as_json=as_json)


@click.command("deviation", help=tr("Keep TEXT with the run under way as a deviation from its plan."))
@click.argument("text")
@of_line
def deviation(text: str, line: str, data: Path | None, as_json: bool) -> int:
    """Keep a deviation."""
    with asking(data, line) as server:
        server.call("deviation", text=text)
    return _tell("deviation", None, tr("deviation noted"), as_json=as_json)


@click.command(
    "answer",
    help=tr("Answer the question PROMPT with VALUE; alone it lists the questions."),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("prompt", default="")
@click.argument("value", nargs=-1)
@of_line
def answer(prompt: str, value: tuple[str, ...], line: str, data: Path | None, as_json: bool) -> int:
    """Answer an open question, or list those that are open."""
    with asking(data, line) as server:
        questions: list[dict[str, Any]] = server.call("status", sections=["prompts"])["prompts"]
        if not prompt:
            return _list(questions, as_json=as_json)
        found = next((each for each in questions if each["id"] == prompt), None)
        given: Any = " ".join(value)
        if found is not None:
            given = _value(found, given)
        told = server.call("answer", prompt=prompt, value=given)
    return _tell("answer", told, tr("answered"), as_json=as_json)


def _value(question: Mapping[str, Any], text: str) -> Any:
    """Return the answer that `text` is to `question`, in the words of both languages.

    Raises:
        Refused: it is none that the question takes.
    """
    from linectl.lab.answers import yes_or_no

    kind = question["kind"]
    if kind == "confirm":
        said = yes_or_no(text)
        if said is None:
            raise Refused(tr("expected yes or no"), hint=question["text"], code="E-ASK-003")
        return said
    if kind == "number":
        try:
            return float(text.replace(",", "."))
        except ValueError:
            raise Refused(tr("expected a number"), hint=question["text"], code="E-ASK-003") from None
    if kind == "positions":
        words = text.replace(",", " ").split()
        if not all(word.isdecimal() for word in words):
            raise Refused(tr("expected positions, such as 3 7 12"), hint=question["text"], code="E-ASK-003")
        return [int(word) for word in words]
    return text


def _list(questions: list[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        emit("prompts", questions)
    elif not questions:
        click.echo(tr("no question is open"))
    for each in () if as_json else questions:
        options = " / ".join(each["options"])
        click.echo(f"{each['id']}  {each['text']}  {options}".rstrip())
    return 0


def sure(question: str) -> None:
    """Ask the person at the terminal; no is the default.

    Raises:
        NotConfirmed: the answer is no, or nobody is there.
    """
    from linectl.cli.questions import somebody_there, typed_line
    from linectl.lab.answers import yes_or_no

    if not somebody_there():
        raise NotConfirmed(tr("nobody is at the terminal to confirm"), hint=tr("say it again with --yes"))
    click.echo(question, nl=False, err=True)
    if not yes_or_no(typed_line()):
        raise NotConfirmed(tr("not done"))


def _tell(schema: str, told: Any, text: str, *, as_json: bool) -> int:
    if as_json:
        emit(schema, told)
    else:
        click.echo(text)
    return 0
