from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from linectl.clock import Clock, VirtualTimeLoop
from linectl.errors import NotConfirmed, Refused
from linectl.lab.desk import PromptDesk
from linectl.lab.journal import Journal, Questions
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.model.records import Act, Event

CONFIRM = Prompt("q", PromptKind.CONFIRM, "All out?", "unload")
CHECK = Prompt("c", PromptKind.POSITIONS, "Which?", "check", {"positions": (3, 7, 9)}, timeout_s=10.0)


class Person:
    """A face that answers after a while, or not at all."""

    def __init__(self, clock: Clock, after_s: float, value: bool | float | str | None, who: str = "anne") -> None:
        self.clock, self.after_s, self.value, self.who = clock, after_s, value, who
        self.seen: list[str] = []

    async def ask(self, prompt: Prompt) -> Answer | None:
        asked_ns = self.clock.now_ns()
        try:
            await asyncio.sleep(self.after_s)
        except asyncio.CancelledError:
            self.seen.append("closed")
            raise
        self.seen.append("answered")
        if self.value is None:
            return None
        return Answer(prompt.id, self.value, self.who, "test", asked_ns, self.clock.now_ns())


def on_desk(act: Callable[[PromptDesk, Clock], Awaitable[None]]) -> None:
    async def main() -> None:
        clock = Clock(start_ns=0)
        await act(PromptDesk(clock), clock)
        await asyncio.sleep(0)  # faces that were closed end

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


def test_the_first_answer_wins_and_closes_the_question_on_every_face() -> None:
    async def act(desk: PromptDesk, clock: Clock) -> None:
        quick, slow = Person(clock, 2.0, True, "anne"), Person(clock, 5.0, False, "bert")
        desk.attach(slow)
        desk.attach(quick)
        answer = await desk.ask(CONFIRM)
        assert (answer.value, answer.who) == (True, "anne")
        await asyncio.sleep(0)
        assert (quick.seen, slow.seen) == (["answered"], ["closed"])
        assert not desk.open
        with pytest.raises(Refused, match=r"already answered by anne at \d\d:\d\d:\d\d") as refused:
            desk.answer("q", False, who="bert", face="web")
        assert (refused.value.exit_code, refused.value.code) == (6, "E-ASK-004")

    on_desk(act)


def test_two_answers_in_one_tick_are_one() -> None:
    async def act(desk: PromptDesk, clock: Clock) -> None:
        desk.attach(Person(clock, 60.0, True))
        asking = asyncio.create_task(desk.ask(CONFIRM))
        await asyncio.sleep(1.0)
        desk.answer("q", False, who="carl", face="sheet")
        with pytest.raises(Refused, match="already answered by carl"):
            desk.answer("q", True, who="anne", face="web")
        assert (await asking).value is False
        with pytest.raises(Refused, match="no question x is open"):
            desk.answer("x", True, who="anne", face="web")

    on_desk(act)


def test_a_face_that_comes_late_is_asked_and_one_that_goes_is_not_waited_for() -> None:
    async def act(desk: PromptDesk, clock: Clock) -> None:
        first = Person(clock, 100.0, True)
        detach = desk.attach(first)
        asking = asyncio.create_task(desk.ask(CONFIRM))
        await asyncio.sleep(1.0)
        desk.attach(Person(clock, 3.0, False, "late"))
        detach()
        assert (await asking).who == "late"
        assert clock.process_s() == pytest.approx(4.0)
        assert first.seen == ["closed"]

    on_desk(act)


def test_a_timeout_takes_the_default_and_without_one_the_question_waits() -> None:
    async def act(desk: PromptDesk, clock: Clock) -> None:
        desk.attach(Person(clock, 500.0, 3.0))
        number = Prompt("n", PromptKind.NUMBER, "How hard?", "question", timeout_s=30.0, default=28.0)
        answer = await desk.ask(number)
        assert (answer.value, answer.face, clock.process_s()) == (28.0, "timeout", 30.0)
        with pytest.raises(Refused, match="already answered by timeout"):
            desk.answer("n", 4.0, who="anne", face="web")
        waits = Prompt("m", PromptKind.NUMBER, "How hard?", "question", timeout_s=30.0)
        assert (await desk.ask(waits)).value == 3.0
        assert clock.process_s() == 530.0

    on_desk(act)


def test_nobody_is_an_error_and_a_default_is_not() -> None:
    async def act(desk: PromptDesk, clock: Clock) -> None:
        with pytest.raises(NotConfirmed, match="nobody can answer: All out"):
            await desk.ask(CONFIRM)
        desk.attach(Person(clock, 1.0, None))
        with pytest.raises(NotConfirmed):
            await desk.ask(CONFIRM)
        lasting = Prompt("t", PromptKind.TEXT, "Why?", "question", default="-")
        assert (await desk.ask(lasting)).value == "-"

    on_desk(act)


def test_a_check_taken_label_by_label_keeps_each_time_and_what_was_corrected() -> None:
    async def act(desk: PromptDesk, clock: Clock) -> None:
        desk.attach(Person(clock, 100.0, None))
        asking = asyncio.create_task(desk.ask(CHECK))
        await asyncio.sleep(2.0)
        desk.look("c", 3, attached=True, who="anne", face="sheet")
        await asyncio.sleep(1.0)
        desk.look("c", 7, attached=True, who="anne", face="sheet")
        await asyncio.sleep(1.0)
        desk.look("c", 7, attached=False, who="anne", face="sheet")
        with pytest.raises(Refused, match="position 4 is not asked for"):
            desk.look("c", 4, attached=True, who="anne", face="sheet")
        answer = await asking
        assert clock.process_s() == 10.0  # then the next check is near
        assert answer.looks is not None
        seen = {position: (look.attached, look.at_ns / 1e9) for position, look in answer.looks.items()}
        assert seen == {3: (True, 2.0), 7: (False, 4.0)}  # nobody looked at 9
        assert (answer.value, answer.who, answer.face) == ((3,), "anne", "sheet")
        assert answer.corrections == ((7, True, 3_000_000_000),)

    on_desk(act)


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (PromptKind.CONFIRM, "yes", "yes or no"),
        (PromptKind.NUMBER, 101.0, "from 0 to 100 %"),
        (PromptKind.NUMBER, True, "from 0 to 100 %"),
        (PromptKind.NUMBER, float("nan"), "from 0 to 100 %"),
        (PromptKind.CHOICE, "blue", "one of red, green"),
        (PromptKind.TEXT, True, "expected text"),
        (PromptKind.PHOTO, "/no/such.jpg", "there is no such file: /no/such.jpg"),
        (PromptKind.POSITIONS, (3.5,), "expected positions"),
    ],
)
def test_what_is_no_answer_is_refused_and_the_question_stays(
    kind: PromptKind, value: bool | float | str | tuple[int, ...], why: str
) -> None:
    prompt = Prompt("p", kind, "?", "question", options=("red", "green"), low=0.0, high=100.0, unit="%")

    async def act(desk: PromptDesk, clock: Clock) -> None:
        desk.attach(Person(clock, 1000.0, None))
        asking = asyncio.create_task(desk.ask(prompt))
        await asyncio.sleep(1.0)
        with pytest.raises(Refused, match=why):
            desk.answer("p", value, who="anne", face="web")
        assert len(desk.open) == 1
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert not desk.open

    on_desk(act)


def test_an_answer_is_kept_with_its_latency_and_a_picture_with_its_hash(tmp_path: Path) -> None:
    told: list[Event] = []

    class Shelf:
        async def add_event(self, event: Event) -> None:
            told.append(event)

        def log_event(self, event: Event) -> None:
            told.append(event)

        def log_act(self, act: Act) -> None:
            raise AssertionError(act)  # a question writes nothing

    picture = tmp_path / "bottle.jpg"
    picture.write_bytes(b"abc")

    async def act(desk: PromptDesk, clock: Clock) -> None:
        desk.attach(Person(clock, 4.5, str(picture)))
        questions = Questions(desk, Journal(Shelf(), "r", clock))
        await questions.ask(Prompt("photo", PromptKind.PHOTO, "?", "question"))

    on_desk(act)
    data = told[0].data
    assert (data["id"], data["latency_s"], data["who"], data["face"]) == ("photo", 4.5, "anne", "test")
    assert data["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
