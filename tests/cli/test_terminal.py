from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from linectl import words
from linectl.cli.terminal import ProgressLine, TerminalFace
from linectl.clock import Clock, VirtualTimeLoop
from linectl.errors import NotConfirmed
from linectl.model.prompts import Prompt, PromptKind

Act = Callable[[TerminalFace], Awaitable[None]]


def at_terminal(act: Act) -> None:
    words.use("en")

    async def main() -> None:
        await act(TerminalFace(Clock(start_ns=0), ProgressLine(), "anne"))

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


async def typed(face: TerminalFace, prompt: Prompt, *lines: str) -> object:
    """What the lines, a second apart, answer."""
    asking = asyncio.create_task(face.ask(prompt))
    for line in lines:
        await asyncio.sleep(1.0)
        face.take(line)
    return await asking


@pytest.mark.parametrize(
    ("prompt", "lines", "value"),
    [
        (Prompt("q", PromptKind.CONFIRM, "In?", "load_bottle"), [""], True),
        (Prompt("q", PromptKind.CONFIRM, "In?", "load_bottle"), ["peut-être", "Non"], False),
        (Prompt("q", PromptKind.NUMBER, "Mass?", "covariate", low=0.0, high=9.0), ["x", "12", "nan", "4,5"], 4.5),
        (Prompt("q", PromptKind.CHOICE, "How?", "score", options=("whole", "torn")), ["wet", "torn"], "torn"),
        (Prompt("q", PromptKind.TEXT, "Why?", "question"), ["", " pause "], "pause"),
        (Prompt("q", PromptKind.POSITIONS, "?", "check", {"positions": (3, 7, 9)}), ["3 8", "3,7"], (3, 7)),
        (Prompt("q", PromptKind.POSITIONS, "?", "check", {"positions": (3, 7, 9)}), [""], ()),
        (Prompt("q", PromptKind.PHOTO, "?", "question"), ["/no/such.jpg", "/dev/../etc/hostname"], None),
    ],
)
def test_a_line_answers_what_it_fits(
    prompt: Prompt, lines: list[str], value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    async def act(face: TerminalFace) -> None:
        answer = await typed(face, prompt, *lines)
        assert getattr(answer, "value", None) == (lines[-1] if value is None else value)
        assert (getattr(answer, "who", ""), getattr(answer, "face", "")) == ("anne", "terminal")

    at_terminal(act)
    assert capsys.readouterr().err.count("not understood") == len(lines) - 1


def test_a_question_beeps_again_until_it_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    async def act(face: TerminalFace) -> None:
        asking = asyncio.create_task(face.ask(Prompt("q", PromptKind.CONFIRM, "In?", "load_bottle")))
        await asyncio.sleep(95.0)
        face.take("y")
        await asking
        await asyncio.sleep(95.0)

    at_terminal(act)
    assert capsys.readouterr().err.count("\aIn?") == 4  # at once, and after 30, 60 and 90 s


def test_a_second_examiner_is_another_person_and_is_asked_for_a_name_once(capsys: pytest.CaptureFixture[str]) -> None:
    check = Prompt("c", PromptKind.POSITIONS, "?", "check", {"positions": (3, 7)}, second=True)

    async def act(face: TerminalFace) -> None:
        answer = await typed(face, check, "Anne", "bert", "3")
        assert (getattr(answer, "who", ""), getattr(answer, "value", None)) == ("bert", (3,))
        assert getattr(await typed(face, check, "7"), "who", "") == "bert"

    at_terminal(act)
    assert "must be another person than anne" in capsys.readouterr().err


def test_a_closed_terminal_answers_nothing() -> None:
    prompt = Prompt("q", PromptKind.CONFIRM, "In?", "load_bottle")

    async def act(face: TerminalFace) -> None:
        asking = asyncio.create_task(face.ask(prompt))
        await asyncio.sleep(1.0)
        face.close()
        with pytest.raises(NotConfirmed, match="the terminal was closed before: In"):
            await asking
        with pytest.raises(NotConfirmed):
            await face.ask(prompt)

    at_terminal(act)
