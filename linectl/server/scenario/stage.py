"""What an operator does before a scenario begins: the machine made ready through the application's own writes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from drivers.link import Outcome
from linectl.clock import Clock
from linectl.errors import DeviceError, Refused
from linectl.line.line import Line
from linectl.line.reports import Command, Result
from linectl.model.readings import Value
from linectl.model.washing import Recipe, Washer
from linectl.server.washing.recipe_setting import settings
from linectl.words import tr

__all__ = ["hold_bath", "start_washer"]

_WARM_C = 30.0  # a bath that starts warmer than this is meant to be held
_COMMAND_WITHIN_S = 30.0
_STATE_WITHIN_S = 60.0
_IDLE, _EXECUTE = 4, 6  # PackML
_SWITCHED_ON = ("washer.fresh_valve", "washer.heater_enable")
_WHEN_ALLOWED = ("washer.caustic_dose_enable", "washer.feed_enable")  # dosing needs the exhaust, bottles all of it
_ALLOWED_WITHIN_S = 4 * 3600.0  # from cold water the caustic takes hours
_NONE: Mapping[str, float] = MappingProxyType({})


async def hold_bath(line: Line, initial: Mapping[str, float] = _NONE) -> dict[str, Value]:
    """Have the bath held at the temperature that it starts with, if that is warm; return what was written.

    Raises:
        DeviceError: the PLC did not take it.
        Refused: linectl does not let it.
    """
    wanted_c = initial.get("bath.temperature", 0.0)
    if wanted_c < _WARM_C:
        return {}
    return await _write_all(line, {"bath.setpoint": wanted_c, "bath.heater_enable": True})


async def start_washer(line: Line, clock: Clock, recipe: Recipe, washer: Washer) -> dict[str, Value]:
    """Set the washer to `recipe`, switch it on and start it; return what was written.

    Bottles go in as soon as the line's permissives and the PLC's own conditions let them.

    Raises:
        DeviceError: the PLC did not take it.
        Refused: linectl or the PLC does not let it.
    """
    written = await _write_all(line, settings(line.definition, "washer", recipe, washer))
    await _give(line, Command.RESET)
    await _reach(line, clock, _IDLE)
    written |= await _write_all(line, dict.fromkeys(_SWITCHED_ON, True))
    await _give(line, Command.START)
    await _reach(line, clock, _EXECUTE)
    for tag in _WHEN_ALLOWED:
        await _allowed(line, clock, tag)
        written |= await _write_all(line, {tag: True})
    return written


async def _allowed(line: Line, clock: Clock, tag: str) -> None:
    """Wait until nothing stands against switching `tag` on.

    Raises:
        Refused: something still does after hours.
    """
    end_s = clock.process_s() + _ALLOWED_WITHIN_S
    while why := await line.permit(tag, True):  # what would be written
        if clock.process_s() >= end_s:
            raise Refused(why)
        await clock.sleep(1.0)


async def _write_all(line: Line, wanted: Mapping[str, Value]) -> dict[str, Value]:
    for tag, value in wanted.items():
        report = await line.write(tag, value, planned=True)
        if report.outcome is Outcome.REFUSED:
            text = tr("{tag} = {value} was refused: {why} {detail}")
            raise Refused(text.format(tag=tag, value=value, why=report.refused_by, detail=report.detail))
        if report.outcome is not Outcome.CONFIRMED:
            text = tr("{tag} = {value} was not taken: the PLC has {got} {detail}")
            raise DeviceError(text.format(tag=tag, value=value, got=report.got, detail=report.detail))
    return dict(wanted)


async def _give(line: Line, command: Command) -> None:
    report = await line.command(command, within_s=_COMMAND_WITHIN_S)
    if report.outcome is not Outcome.CONFIRMED:
        text = tr("the PLC refused {command}: {result} {detail}")
        raise Refused(text.format(command=command.name, result=Result(report.result).name, detail=report.detail))


async def _reach(line: Line, clock: Clock, state: int) -> None:
    """Wait until the PLC is in a state."""
    end_s = clock.process_s() + _STATE_WITHIN_S
    while line.reading("washer.state").value != state:
        if clock.process_s() >= end_s:
            text = tr("the washer did not come to PackML state {state} within {time:g} s: it is in {now}")
            now = line.reading("washer.state").value
            raise DeviceError(text.format(state=state, time=_STATE_WITHIN_S, now=now))
        await clock.sleep(1.0)
