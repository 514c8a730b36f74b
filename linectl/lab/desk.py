"""The desk: where a run puts its questions, and whichever face is attached answers them. The first answer wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from linectl.clock import Clock
from linectl.errors import LinectlError, NotConfirmed, Refused
from linectl.model.prompts import Answer, Look, Prompt, PromptKind
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["Face", "OpenPrompt", "PromptDesk", "fits"]

TIMEOUT = "timeout"  # the face of an answer that nobody gave


class Face(Protocol):
    """Whatever puts questions to a person, or answers by itself.

    A face may also answer at any time by `PromptDesk.answer`, or label by label by `PromptDesk.look`.
    """

    def ask(self, prompt: Prompt) -> Coroutine[None, None, Answer | None]:
        """Return the answer, None when this face has none; cancelled when another face was first."""


@dataclass(slots=True)
class OpenPrompt:
    """A question that waits: since when (ns UTC), and what was seen of it so far, label by label.

    `corrections` are looks that were taken back: (position, attached, at_ns).
    """

    prompt: Prompt
    asked_ns: int
    answered: asyncio.Future[Answer]
    looks: dict[int, Look] = field(default_factory=dict)
    corrections: list[tuple[int, bool, int]] = field(default_factory=list)
    who: str = ""
    face: str = ""


class PromptDesk:
    """Holds the open questions of a run. Faces come and go; what is open is put to a face that comes late.

    A question with a timeout (loop time) takes its default after it; a `check` takes what was looked at by then, and
    positions that nobody looked at stay so.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faces: list[Face] = []
        self._open: dict[str, OpenPrompt] = {}
        self._closed: dict[str, Answer] = {}
        self._tasks: dict[asyncio.Task[Answer | None], tuple[Face, str]] = {}

    @property
    def open(self) -> tuple[OpenPrompt, ...]:
        """The questions that wait, oldest first."""
        return tuple(self._open.values())

    def attach(self, face: Face) -> Callable[[], None]:
        """Let `face` answer from now on; return what detaches it again."""
        self._faces.append(face)
        for waiting in self._open.values():
            self._put(face, waiting)

        def detach() -> None:
            if face in self._faces:
                self._faces.remove(face)
            for task, (whose, _) in self._tasks.items():
                if whose is face:
                    task.cancel()

        return detach

    async def ask(self, prompt: Prompt) -> Answer:
        """Open `prompt` on every face and return the first answer.

        Raises:
            NotConfirmed: no face is attached, or none of them has an answer, and the question has no timeout.
            LinectlError: what the last face that could have answered raised.
        """
        waiting = OpenPrompt(prompt, self._clock.now_ns(), asyncio.get_running_loop().create_future())
        self._open[prompt.id] = waiting
        self._closed.pop(prompt.id, None)
        for face in self._faces:
            self._put(face, waiting)
        self._nobody_left(waiting, None)
        try:
            await asyncio.wait([waiting.answered], timeout=prompt.timeout_s if _ends(prompt) else None)
            if not waiting.answered.done():
                waiting.answered.set_result(self._by_default(waiting))
            return waiting.answered.result()
        finally:
            self._close(waiting)

    def answer(
        self,
        prompt_id: str,
        value: bool | float | str | tuple[int, ...],
        *,
        who: str,
        face: str,
        looks: Mapping[int, Look] | None = None,
    ) -> Answer:
        """Answer an open question and close it on every face.

        A check that was looked at label by label (`look`) keeps its looks; `looks` replaces them.

        Raises:
            Refused: somebody was first (who, when), there is no such question, or the value is none it asks for.
        """
        waiting = self._waiting(prompt_id)
        why = fits(waiting.prompt, value)
        if why:
            raise Refused(why, hint=waiting.prompt.text, code="E-ASK-003")
        seen = dict(looks) if looks is not None else dict(waiting.looks) or None
        answer = Answer(
            prompt_id,
            value,
            who,
            face,
            waiting.asked_ns,
            self._clock.now_ns(),
            looks=seen,
            corrections=tuple(waiting.corrections),
        )
        waiting.answered.set_result(answer)
        return answer

    def look(self, prompt_id: str, position: int, *, attached: bool | None, who: str, face: str) -> None:
        """Take what a person sees at one position of an open check, stamped now; None takes the last look back.

        A second look at the same position replaces the first, which is kept as a correction.

        Raises:
            Refused: the check is closed, or `position` is not asked for.
        """
        waiting = self._waiting(prompt_id)
        asked = waiting.prompt.facts.get("positions", ())
        if not isinstance(asked, tuple) or position not in asked:
            raise Refused(tr("position {position} is not asked for").format(position=position), code="E-ASK-003")
        before = waiting.looks.pop(position, None)
        if before is not None:
            waiting.corrections.append((position, before.attached, before.at_ns))
        if attached is not None:
            waiting.looks[position] = Look(attached, self._clock.now_ns())
        waiting.who, waiting.face = who, face

    # how

    def _waiting(self, prompt_id: str) -> OpenPrompt:
        waiting = self._open.get(prompt_id)
        if waiting is not None and not waiting.answered.done():
            return waiting
        given = self._closed.get(prompt_id) if waiting is None else waiting.answered.result()
        if given is None:
            raise Refused(tr("no question {id} is open").format(id=prompt_id), code="E-ASK-002")
        when = datetime.fromtimestamp(given.answered_ns / NS_PER_S, UTC).astimezone().strftime("%H:%M:%S")
        raise Refused(
            tr("already answered by {who} at {when}").format(who=given.who or given.face, when=when),
            hint=tr("the answer was: {value}").format(value=given.value),
            code="E-ASK-004",
        )

    def _put(self, face: Face, waiting: OpenPrompt) -> None:
        task = asyncio.create_task(face.ask(waiting.prompt))
        self._tasks[task] = (face, waiting.prompt.id)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[Answer | None]) -> None:
        """Take what a face's own `ask` ended in."""
        _, prompt_id = self._tasks.pop(task)
        error = None if task.cancelled() else task.exception()
        waiting = self._open.get(prompt_id)
        if waiting is None or waiting.answered.done():
            return
        answer = None if task.cancelled() or error is not None else task.result()
        why = fits(waiting.prompt, answer.value) if answer is not None else ""
        if why:
            waiting.answered.set_exception(Refused(why, hint=waiting.prompt.text, code="E-ASK-003"))
        elif answer is not None:
            waiting.answered.set_result(answer)
        elif error is not None and not isinstance(error, LinectlError):
            waiting.answered.set_exception(error)
        else:
            self._nobody_left(waiting, error)

    def _nobody_left(self, waiting: OpenPrompt, error: BaseException | None) -> None:
        """End a question that no face can answer any more; one that ends by itself, or may be answered later, waits."""
        asked = any(prompt_id == waiting.prompt.id for _, prompt_id in self._tasks.values())
        if asked or _ends(waiting.prompt) or waiting.answered.done():
            return
        if error is None and waiting.prompt.default is not None:
            waiting.answered.set_result(self._by_default(waiting))
            return
        waiting.answered.set_exception(
            error
            or NotConfirmed(
                tr("nobody can answer: {question}").format(question=waiting.prompt.text),
                hint=tr("run in a terminal, give --answers FILE, or run on the simulated rig with --sim"),
            )
        )

    def _by_default(self, waiting: OpenPrompt) -> Answer:
        prompt = waiting.prompt
        if prompt.task == "check":
            seen = dict(waiting.looks)
            value: bool | float | str | tuple[int, ...] = tuple(
                sorted(at for at, look in seen.items() if look.attached)
            )
        else:
            assert prompt.default is not None, "only a question with a default ends by itself"
            seen, value = {}, prompt.default
        return Answer(
            prompt.id,
            value,
            waiting.who,
            waiting.face or TIMEOUT,
            waiting.asked_ns,
            self._clock.now_ns(),
            looks=seen if prompt.task == "check" else None,
            corrections=tuple(waiting.corrections),
        )

    def _close(self, waiting: OpenPrompt) -> None:
        prompt_id = waiting.prompt.id
        self._open.pop(prompt_id, None)
        if not waiting.answered.done():
            waiting.answered.cancel()  # the asker was cancelled: later answers are refused
        elif waiting.answered.exception() is None:
            self._closed[prompt_id] = waiting.answered.result()
        for task, (_, whose) in self._tasks.items():
            if whose == prompt_id:
                task.cancel()


def _ends(prompt: Prompt) -> bool:
    """Return whether the question ends by itself."""
    return prompt.timeout_s is not None and (prompt.default is not None or prompt.task == "check")


def fits(prompt: Prompt, value: object) -> str:
    """Return why `value` is no answer to `prompt`, in words; "" when it is one. A picture must exist."""
    match prompt.kind:
        case PromptKind.NUMBER:
            return _number(prompt, value)
        case PromptKind.POSITIONS:
            return _positions(prompt, value)
        case PromptKind.CONFIRM:
            found, wanted = isinstance(value, bool), tr("expected yes or no")
        case PromptKind.CHOICE:
            found, wanted = value in prompt.options, tr("expected one of {words}")
        case PromptKind.PHOTO:
            found, wanted = isinstance(value, str) and Path(value).is_file(), tr("there is no such file: {path}")
        case _:
            found, wanted = isinstance(value, str), tr("expected text")
    return "" if found else wanted.format(words=", ".join(prompt.options), path=value)


def _number(prompt: Prompt, value: object) -> str:
    low = -float("inf") if prompt.low is None else prompt.low
    high = float("inf") if prompt.high is None else prompt.high
    if isinstance(value, float | int) and not isinstance(value, bool) and low <= value <= high and abs(value) < 1e300:
        return ""
    if prompt.low is None and prompt.high is None:
        return tr("expected a number")
    return tr("expected a number from {low:g} to {high:g} {unit}").format(low=low, high=high, unit=prompt.unit).strip()


def _positions(prompt: Prompt, value: object) -> str:
    if not isinstance(value, tuple) or not all(isinstance(each, int) for each in value):
        return tr("expected positions, such as 3 7 12")
    asked = prompt.facts.get("positions")
    unknown = [each for each in value if isinstance(asked, tuple) and each not in asked]
    if unknown and prompt.task == "check":
        text = tr("these positions are not asked for: {positions}")
        return text.format(positions=", ".join(map(str, unknown)))
    return ""
