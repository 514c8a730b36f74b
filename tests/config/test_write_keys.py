"""What a line file says about writes: paces, warnings, watched heating, the safe state; and where it is wrong."""

from __future__ import annotations

import pytest

from linectl.config.dump import dump_line
from linectl.config.files import SourceText, find_file
from linectl.config.load import load_line, load_line_text
from linectl.errors import ConfigError
from linectl.model.lines import Heating, LineDefinition, SafeStep

GOOD = """\
kind: line
name: bench
links:
  plc: {type: modbus_tcp, host: 127.0.0.1}
scans:
  bath: 1.0
safe_state:
  - {tag: bath.heater_enable, value: false}
  - {tag: bath.setpoint, value: 20}
  - {command: stop}
zones:
  bath:
    kind: bath
    volume_l: 40
    heating: {gain_k: 0.5, within_s: 180, max_on_s: 36000, hysteresis_k: 2}
    limits:
      temperature: {warn: 85, block: 88, hard: 92, step: 40, per_min: 20}
control: {heartbeat: bath.heartbeat, plc_counter: bath.plc_counter, owner: bath.owner, boot_counter: bath.boot_counter}
tags:
  bath.plc_counter: {link: plc, point: 2/ir0, dtype: int, scan: bath}
  bath.boot_counter: {link: plc, point: 2/ir4, dtype: int, scan: bath}
  bath.heartbeat: {link: plc, point: 2/hr30, readback: false, writable: true}
  bath.owner: {link: plc, point: 2/hr31, writable: true}
  bath.command: {link: plc, point: "2/hr0:3", kind: block, readback: false, writable: true}
  bath.temperature: {link: plc, point: 2/ir10, kind: i16, gain: 0.1, unit: °C, scan: bath}
  bath.setpoint: {link: plc, point: 2/hr10, gain: 0.1, unit: °C, low: 0, high: 100, writable: true, limit: temperature,
    warn_low: 10, warn_high: 90, step: 30, per_min: 25}
  bath.heater_enable: {link: plc, point: 2/co6, kind: bool, writable: true}
"""


def loaded(text: str) -> LineDefinition:
    return load_line_text(SourceText("line.yaml", text, "hash"))


def test_all_of_it_is_read_and_written_out_again() -> None:
    line = loaded(GOOD)
    assert line.zones["bath"].heating == Heating(
        "bath.temperature", "bath.setpoint", "bath.heater_enable", 0.5, 180, 36000, 2
    )
    assert line.safe_state == (
        SafeStep("bath.heater_enable", value=False),
        SafeStep("bath.setpoint", 20),
        SafeStep(command="stop"),
    )
    limit, tag = line.zones["bath"].limits["temperature"], line.tags["bath.setpoint"]
    assert (limit.step, limit.per_min, tag.warn_low, tag.warn_high, tag.step, tag.per_min) == (40, 20, 10, 90, 30, 25)
    again = loaded(dump_line(line))
    assert (again.tags, again.zones, again.safe_state) == (line.tags, line.zones, line.safe_state)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "unit: °C, scan: bath}",
            "unit: °C, scan: bath, step: 3}",
            "line.yaml:25:92: tags.bath.temperature.step: only for what is written: the tag is not `writable`",
        ),
        (
            "kind: bool, writable: true}",
            "kind: bool, writable: true, per_min: 3}",
            "line.yaml:28:77: tags.bath.heater_enable.per_min: a bool is on or off: it has no such limit",
        ),
        (
            "gain: 0.1, unit: °C, low",
            "readback: false, gain: 0.1, unit: °C, low",
            (
                "line.yaml:27:34: tags.bath.setpoint.step: the tag cannot be read back: "
                "nobody knows from where a step begins"
            ),
        ),
        (
            "warn_low: 10",
            "warn_low: 95",
            "line.yaml:27:5: tags.bath.setpoint.warn_low: 95 is not below warn_high, 90",
        ),
        (
            "warn_high: 90",
            "warn_high: 101",
            "line.yaml:27:19: tags.bath.setpoint.warn_high: 101 is outside low to high: nobody would be asked",
        ),
        (
            "per_min: 25",
            "per_min: 0",
            "line.yaml:27:44: tags.bath.setpoint.per_min: expected above 0, not 0",
        ),
        (
            "step: 40",
            "step: forty",
            "line.yaml:17:52: zones.bath.limits.temperature.step: expected a number, not `forty`",
        ),
        (
            "heating: {",
            "heating: {setpoint: bath.setpiont, ",
            (
                "line.yaml:15:15: zones.bath.heating.setpoint: `bath.setpiont` is not known here; "
                "did you mean `bath.setpoint`?"
            ),
        ),
        (
            "heating: {",
            "heating: {enable: bath.owner, ",
            "line.yaml:15:15: zones.bath.heating.enable: bath.owner is no bool: it switches no heater",
        ),
        (
            "gain: 0.1, unit: °C, scan: bath}",
            "gain: 0.1, unit: °C}",
            "line.yaml:15:5: zones.bath.heating: bath.temperature is in no scan group: nobody would see it",
        ),
        ("gain_k: 0.5, ", "", "line.yaml:15:5: zones.bath.heating.gain_k: missing; expected a number"),
        (
            "  - {command: stop}",
            "  - {command: panic}",
            "line.yaml:10:6: safe_state[2].command: `panic` is not known here; expected one of stop, abort, hold",
        ),
        (
            "  - {command: stop}",
            "  - {command: stop, tag: bath.setpoint}",
            "line.yaml:10:5: safe_state[2]: expected `tag` and `value`, or `command`",
        ),
        (
            "value: 20}",
            "value: 200}",
            "line.yaml:9:26: safe_state[1].value: 200 is outside the range of bath.setpoint",
        ),
        (
            "value: 20}",
            "value: true}",
            "line.yaml:9:26: safe_state[1].value: bath.setpoint is of another kind: float",
        ),
        (
            "tag: bath.setpoint, value: 20",
            "tag: bath.temperature, value: 20",
            "line.yaml:9:6: safe_state[1].tag: bath.temperature cannot be written and read back",
        ),
        (
            "value: 20}",
            "value: hot}",
            "line.yaml:9:26: safe_state[1].value: expected true, false or a number, not hot",
        ),
    ],
)
def test_each_mistake_has_its_place(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        loaded(GOOD.replace(old, new, 1))
    assert told in [str(problem) for problem in caught.value.problems]


def test_a_command_needs_a_plc_that_takes_it() -> None:
    text = GOOD.replace("  bath.command:", "  bath.other:")
    with pytest.raises(ConfigError, match=r"safe_state\[2\]\.command: the line has no PLC that takes commands"):
        loaded(text)


@pytest.mark.parametrize("name", ["simulated", "simulated_washer"])
def test_the_shipped_lines_declare_their_safe_state_and_watch_their_heating(name: str) -> None:
    line = load_line(find_file(name, folder="config"))
    assert [step.tag or step.command for step in line.safe_state][-1] == "stop"
    assert any(zone.heating is not None for zone in line.zones.values())
