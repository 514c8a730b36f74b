"""The safe state of a line, as data: what is written and commanded in order, and proved by read-back."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.link import Outcome, Priority
from linectl.errors import DeviceError
from linectl.line.plc import Plc
from linectl.line.reports import Command
from linectl.line.wire import Wire
from linectl.model.lines import LineDefinition, SafeStep
from linectl.model.readings import Value
from linectl.words import tr

__all__ = ["SafeState", "safe_steps", "safe_values"]

_TRIES = 3
_COMMANDS: Mapping[str, Command] = {"stop": Command.STOP, "abort": Command.ABORT, "hold": Command.HOLD}


def safe_steps(definition: LineDefinition) -> tuple[SafeStep, ...]:
    """Return the steps that make a line safe: those that it declares, else heater off and stop, if it has them."""
    if definition.safe_state or definition.control is None:
        return definition.safe_state
    zone = definition.control.heartbeat.rpartition(".")[0]
    heater, command = f"{zone}.heater_enable", f"{zone}.command"
    steps = (SafeStep(heater, value=False), SafeStep(command="stop"))
    there = (heater in definition.tags, command in definition.tags)
    return tuple(step for step, found in zip(steps, there, strict=True) if found)


def safe_values(definition: LineDefinition) -> dict[str, Value]:
    """Return the value of each tag in the safe state; nothing leaves these by itself."""
    return {step.tag: step.value for step in safe_steps(definition) if step.tag and step.value is not None}


class SafeState:
    """Brings one line into its safe state; a step that failed hinders none after it.

    Only a command is not sent into a silence: it would be waited for, and what is tried again is tried later.
    """

    def __init__(self, definition: LineDefinition, wire: Wire, plc: Plc | None) -> None:
        self._name = definition.name
        self._tags = definition.tags
        self._steps = safe_steps(definition)
        self._wire = wire
        self._plc = plc
        self._silent = False  # a wire did not answer since the first step

    async def reach(self) -> None:
        """Carry out the steps in order; each is read back.

        Raises:
            DeviceError: not all of it could be proved. The PLC's own watchdog does the same when the heartbeat ends.
        """
        problems, self._silent = [], False
        for step in self._steps:
            problem = await self._carry_out(step)
            problems += [problem] if problem else []
        if problems:
            text = tr("{line}: the safe state could not be proved ({problem})")
            raise DeviceError(
                text.format(line=self._name, problem="; ".join(problems)),
                hint=tr("look at the heater; the PLC switches it off itself when the heartbeat ends"),
            )

    async def _carry_out(self, step: SafeStep) -> str:
        """Do one step; return what hinders, "" when it is proved."""
        if step.command:
            return "" if self._plc is None or self._silent else await self._plc.order(_COMMANDS[step.command])
        assert step.value is not None
        for _ in range(_TRIES):
            report = await self._wire.write(self._tags[step.tag], step.value, priority=Priority.STOP)
            if report.outcome is Outcome.CONFIRMED:
                return ""
        self._silent |= report.outcome is Outcome.UNKNOWN or report.refused_by == "link"
        text = tr("{tag} = {value}: {outcome} {detail}")
        value = str(step.value).lower() if isinstance(step.value, bool) else f"{step.value:g}"
        return text.format(tag=step.tag, value=value, outcome=report.outcome, detail=report.detail)
