"""Looks at labels: by the camera, by a person at all positions at once or one by one, and by a second person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from linectl.clock import Clock
from linectl.lab.asking import check_prompt
from linectl.lab.journal import Journal, Questions
from linectl.line.line import Line
from linectl.model.prompts import Answer
from linectl.model.readings import Reading
from linectl.model.records import Bottle, Check

__all__ = ["NOT_SEEN", "Eyes", "Look", "Watched", "camera_tag"]


def camera_tag(position: int) -> str:
    """Return the tag of the label camera at `position`."""
    return f"label.p{position:02d}"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at one label gave: when (ns), attached or not (None: not seen), and from when the proof is (ns)."""

    done_ns: int | None
    attached: bool | None
    proof_ns: int = 0


NOT_SEEN = Look(None, None)


@dataclass(slots=True)
class Watched:
    """One bottle in the bath: what is stored of it, and how far that is proved.

    `inserted_s` is process time; `word_ns` is the camera's last word on it, `proved_ns` the last look that saw the
    label attached and that a later word has proved, `unproved` the looks since. `skipped` says why a person took it
    out of the observation ("": observed).
    """

    bottle: Bottle
    inserted_s: float
    word_ns: int
    proved_ns: int | None = None
    unproved: list[Check] = field(default_factory=list)
    skipped: str = ""

    @property
    def open(self) -> bool:
        """Whether it is still looked at: its label was not seen off, and nobody skipped it."""
        return self.bottle.first_detached_ns is None and not self.skipped

    def take(self, planned_ns: int, look: Look, silence_ns: int) -> list[Check]:
        """Put one look into the bottle's record; return its checks to store.

        A camera that speaks on change and once a period has seen the label attached up to its last word, and is
        believed beyond that as long as it goes on speaking. When it fell silent instead (for more than `silence_ns`),
        the looks since its last word saw nothing after all: they become missed checks, and the label was last seen
        attached before them. A bottle that was skipped meanwhile takes nothing.
        """
        if self.skipped:
            return []
        silent = look.attached is False and look.proof_ns - self.word_ns > silence_ns
        withdrawn = self._withdraw() if silent or look.attached is None else []
        bottle = self.bottle
        check = Check(bottle.run, bottle.trial, bottle.label, planned_ns, look.done_ns, look.attached)
        if look.done_ns is None:
            return [*withdrawn, check]
        self._prove(look.proof_ns)
        if look.attached:
            self.bottle = replace(bottle, last_attached_ns=look.done_ns)
            self.unproved.append(check)
            self._prove(look.proof_ns)
        else:
            last = bottle.inserted_ns if bottle.last_attached_ns is None else bottle.last_attached_ns
            self.bottle = replace(bottle, last_attached_ns=last, first_detached_ns=look.done_ns)
        return [*withdrawn, check]

    def _prove(self, word_ns: int) -> None:
        """Take a word of the camera: it proves the looks before it."""
        self.word_ns = word_ns
        proved = [look.done_ns for look in self.unproved if look.done_ns is not None and look.done_ns <= word_ns]
        self.proved_ns = max([*proved, self.proved_ns or 0]) or None
        del self.unproved[: len(proved)]

    def _withdraw(self) -> list[Check]:
        """Return the looks since the camera's last word as missed ones; the label was last seen before them."""
        missed = [replace(look, done_ns=None, attached=None) for look in self.unproved]
        self.unproved.clear()
        if missed:
            self.bottle = replace(self.bottle, last_attached_ns=self.proved_ns)
        return missed


class Eyes:
    """Looks at bottles of one bath (`trial`); a person is given `left_s` (process s), and no more."""

    def __init__(self, line: Line, clock: Clock, questions: Questions, journal: Journal, trial: int) -> None:
        self._line = line
        self._clock = clock
        self._questions = questions
        self._journal = journal
        self._trial = trial

    async def by_camera(self, due: Sequence[Watched]) -> list[Look]:
        """Return what the camera says of each of `due`."""
        return [self._seen(await self._line.read(camera_tag(each.bottle.position))) for each in due]

    async def by_person(
        self, due: Sequence[Watched], number: int, left_s: Callable[[], float], *, second: bool = False
    ) -> tuple[list[Look], str]:
        """Return what a person saw at each of `due`, and who it was.

        Positions that a face taking them one by one was not told of were not seen; what was corrected is journalled.
        """
        places = tuple(sorted(each.bottle.position for each in due))
        prompt = check_prompt(self._trial, number, places, second=second)
        answer = await self._questions.ask(prompt, left_s=left_s)
        labels = {each.bottle.position: each.bottle.label for each in due}
        for position, attached, at_ns in answer.corrections:
            told = {"bottle": labels.get(position, ""), "position": position, "attached": attached, "at_ns": at_ns}
            await self._journal.event("correction", prompt=prompt.id, who=answer.who, face=answer.face, **told)
        looks = _looks(answer, places)
        return [looks[each.bottle.position] for each in due], answer.who

    def _seen(self, reading: Reading) -> Look:
        if reading.value is None or not reading.quality.is_good:
            return NOT_SEEN
        now_ns = self._clock.now_ns()
        return Look(now_ns, bool(reading.value), min(reading.received_time_ns, now_ns))


def _looks(answer: Answer, places: Sequence[int]) -> Mapping[int, Look]:
    """Return the look at each of `places` that an answer to a check gives."""
    if answer.looks is not None:
        taken = {place: Look(look.at_ns, look.attached, look.at_ns) for place, look in answer.looks.items()}
        return {place: taken.get(place, NOT_SEEN) for place in places}
    still = set(answer.value) if isinstance(answer.value, tuple) else set()
    at_ns = answer.answered_ns
    return {place: Look(at_ns, place in still, at_ns) for place in places}
