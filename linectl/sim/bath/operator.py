"""A simulated operator: answers the run's prompts and moves bottles, as a person at the bath would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random

from linectl.clock.wall import Clock
from linectl.errors import ConfigError, Refused
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.sim.bath.plant import POSITIONS
from linectl.sim.glue.labels import GlueClass, glue_class
from linectl.words import tr

__all__ = ["Hands", "SimulatedOperator"]

LOAD_S = 3.0  # process seconds to put a bottle in
UNLOAD_S = 1.0  # a bottle
LID_S = 2.0
LOOK_S = 5.0
ANSWER_S = 3.0  # to read a scale, or to say something
SECOND_ERRS = 0.02  # of the labels that a second examiner looks at

_OFF_WHOLE, _OFF_TORN = 0.8, 0.95  # shares of labels that come off whole, and whole or torn
_RESIDUE_PCT = {"whole": 1.0, "torn": 8.0, "pulped": 3.0}  # on the glass, at most
# no published figures: labels on water-soluble glues come off whole and leave next to nothing
_SOLUBLE = {GlueClass.CASEIN, GlueClass.STARCH, GlueClass.PVOH}
_SOLUBLE_WHOLE, _SOLUBLE_RESIDUE_PCT = 0.99, 0.5

LID_PLACE = POSITIONS + 1

Put = Callable[[int, int], Awaitable[None]]
"""Puts a bottle of a glue class (0: none) into a position from 1, through a wire or directly.

One place after the last position is the lid: 0 lays it on, 1 takes it off, as in the registers of the hands.
"""


class Hands:
    """What the operator's hands and eyes reach; given by whoever owns the wires. Without eyes no label is looked at."""

    def __init__(self, put: Put, *, look: Callable[[], Awaitable[Sequence[bool | None]]] | None = None) -> None:
        self.put = put
        self.look = look


class SimulatedOperator:
    """Answers like a person, after the time a person takes (process time).

    Tasks: `load_bottle` (position, glue), `unload` (positions), `lid` (open), `check` (positions still attached; as
    a second examiner it errs in 2 % of labels), `score`, `covariate` and `question` (something sensible of the kind
    asked for, drawn from `seed` and the question's id). A glue is known by its class name, or through `simulate_as`,
    which names a class for it.
    """

    who = "simulated operator"
    face = "simulator"

    def __init__(
        self, clock: Clock, put: Put | Hands, *, simulate_as: Mapping[str, str] | None = None, seed: int = 0
    ) -> None:
        self._clock = clock
        self._hands = put if isinstance(put, Hands) else Hands(put)
        self._simulate_as = dict(simulate_as or {})
        self._seed = seed
        self._modes: dict[object, str] = {}
        self._classes: dict[int, int] = {}  # of the bottle at each position

    def __repr__(self) -> str:
        """Return who it is."""
        return f"<SimulatedOperator {self._simulate_as}>"

    def glue_code(self, glue: str) -> int:
        """Return the class code of `glue`.

        Raises:
            ConfigError: the simulator knows no such class; the message lists those it knows.
        """
        try:
            return int(glue_class(glue, self._simulate_as))
        except ValueError as exc:
            raise ConfigError(
                tr("the simulator knows no glue {glue}; its classes are {known}").format(
                    glue=glue, known=", ".join(code.name.lower() for code in GlueClass)
                ),
                hint=tr("name the class that behaves like it in the experiment, under simulate_as"),
            ) from exc

    async def ask(self, prompt: Prompt) -> Answer:
        """Do what `prompt` asks and answer.

        Raises:
            ConfigError: an unknown glue.
            Refused: a question that the simulated operator cannot answer.
        """
        asked_ns = self._clock.now_ns()
        value = await self._do(prompt)
        who = f"second {self.who}" if prompt.second else self.who
        return Answer(prompt.id, value, who, self.face, asked_ns, self._clock.now_ns())

    async def _do(self, prompt: Prompt) -> bool | float | str | tuple[int, ...]:
        facts = prompt.facts
        if prompt.task == "load_bottle":
            return await self._load(_whole(facts["position"]), str(facts["glue"]))
        if prompt.task == "unload":
            return await self._unload(_positions(facts["positions"]))
        if prompt.task == "lid":
            await self._clock.sleep(LID_S)
            await self._hands.put(LID_PLACE, int(bool(facts["open"])))
            return True
        if prompt.task == "check" and self._hands.look is not None:
            return await self._look(prompt)
        if prompt.task in {"score", "covariate", "question"} and prompt.kind is not PromptKind.PHOTO:
            await self._clock.sleep(ANSWER_S)
            return self._score(prompt) if prompt.task == "score" else self._said(prompt)
        answer = True if prompt.kind is PromptKind.CONFIRM else prompt.default
        if answer is not None:
            return answer
        raise Refused(tr("the simulated operator cannot answer: {text}").format(text=prompt.text))

    async def _look(self, prompt: Prompt) -> tuple[int, ...]:
        await self._clock.sleep(LOOK_S)
        assert self._hands.look is not None, "asked before"
        seen = await self._hands.look()
        asked = _positions(prompt.facts.get("positions", range(1, len(seen) + 1)))
        draw = self._draw(prompt)
        errs = {position for position in asked if prompt.second and draw.random() < SECOND_ERRS}
        return tuple(at for at in asked if at <= len(seen) and bool(seen[at - 1]) is not (at in errs))

    def _score(self, prompt: Prompt) -> str | float:
        """Say how a label came off, or how much of it stayed on the glass."""
        draw, bottle = self._draw(prompt).random(), prompt.facts.get("bottle")
        soluble = self._classes.get(_whole(prompt.facts.get("position", 0))) in _SOLUBLE
        if prompt.kind is PromptKind.CHOICE:
            whole = _SOLUBLE_WHOLE if soluble else _OFF_WHOLE
            mode = "whole" if draw < whole else "torn" if soluble or draw < _OFF_TORN else "pulped"
            self._modes[bottle] = mode if mode in prompt.options else prompt.options[0]
            return self._modes[bottle]
        if soluble:
            return round(draw * _SOLUBLE_RESIDUE_PCT, 1)
        return round(draw * _RESIDUE_PCT.get(self._modes.get(bottle, ""), 1.0), 1)

    def _said(self, prompt: Prompt) -> bool | float | str | tuple[int, ...]:
        """Return something sensible of the kind asked for."""
        match prompt.kind:
            case PromptKind.NUMBER:
                low = prompt.high - 1.0 if prompt.low is None and prompt.high is not None else prompt.low or 0.0
                high = low + 1.0 if prompt.high is None else prompt.high
                return round(low + (high - low) * (0.4 + 0.2 * self._draw(prompt).random()), 3)
            case PromptKind.CHOICE:
                return self._draw(prompt).choice(prompt.options)
            case PromptKind.TEXT:
                return "nothing to report"
            case PromptKind.POSITIONS:
                return ()
            case _:
                return True

    def _draw(self, prompt: Prompt) -> Random:
        return Random(f"{self._seed}/{prompt.id}")  # noqa: S311  # a simulation is drawn to be repeatable, not secret

    async def _load(self, position: int, glue: str) -> bool:
        code = self.glue_code(glue)
        await self._clock.sleep(LOAD_S)
        await self._hands.put(position, code)
        self._classes[position] = code
        return True

    async def _unload(self, positions: Sequence[int]) -> bool:
        for position in positions:
            await self._clock.sleep(UNLOAD_S)
            await self._hands.put(position, 0)
        return True


def _whole(fact: object) -> int:
    if not isinstance(fact, int):
        raise Refused(tr("a position is a whole number, not {fact}").format(fact=fact))
    return fact


def _positions(fact: object) -> tuple[int, ...]:
    if not isinstance(fact, Sequence):
        raise Refused(tr("positions are a list of whole numbers, not {fact}").format(fact=fact))
    return tuple(map(_whole, fact))
