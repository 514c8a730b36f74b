"""The text commands of heating circulators, in the two dialects of IN_PV_00 / OUT_SP_00: pure functions.

LAUDA: commands in capitals, `_` or a space before the value, ended by CR (or CR LF); each is answered, a write by `OK`
or `ERR_n`; started and stopped by START and STOP, asked by IN_MODE_02 (0 on, 1 standby); STATUS is 0 or -1, STAT tells
which fault. JULABO: a space before the value, ended by CR; only what asks is answered; OUT_MODE_05 starts and stops,
IN_MODE_05 asks; STATUS is a number and a text, negative for an error or an alarm.

Sources: LAUDA operation manuals LOOP 100/250 (5.11.3 to 5.11.5), Microcool MC 250 (6.7.4, 6.7.5), PRO bath and
circulation thermostats (4.5), ECO Gold (interface modules), interface module LRZ 913 (7.2); JULABO manuals CF40 (10.2
to 10.5), ME and F38-ME (12.2), MA-12 (12.2), FL601 (11.3), SC 2500 (12.3), Magio MX (11.1), CORIO CP (11.1); the answer
`JULABO HIGHTECH FL HL/SL VERSION 4.0`, its CR LF, and that a JULABO may leave the first question unanswered: the driver
of an FP51-SL in python-dvg-devices.
Not verified on a device here: whether every JULABO takes capitals (its manuals show both; the driver sends small
letters), and how a JULABO that shows °F answers (the driver takes all temperatures for °C).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from drivers.errors import BadReply, DeviceFault

__all__ = [
    "COMMAND_END",
    "JULABO",
    "LAUDA",
    "PROBE",
    "UNKNOWN_COMMAND",
    "Commands",
    "Dialect",
    "Status",
    "dialect_of",
    "encode_command",
    "parse_fault_flags",
    "parse_identity",
    "parse_number",
    "parse_ok",
    "parse_status",
    "parse_switch",
]

COMMAND_END = b"\r"
UNKNOWN_COMMAND = (3, 8)  # LAUDA: wrong command; module or value not available
PROBE = "status"  # both dialects answer it, each in its own way

_NUMBER = re.compile(r"[+-]?[0-9]{1,4}(?:\.[0-9]{1,3})?")  # one that begins or ends at its point has lost a part
_ERROR = re.compile(r"ERR_(?P<code>[0-9]{1,4})")
_STATUS = re.compile(r"(?P<code>-?[0-9]{2})\s(?P<text>[ -~]{1,80})")
_FLAGS = ("error", "alarm", "warning", "overtemperature", "low level", "high level", "external value missing")
_REASONS = {
    2: "wrong input",
    3: "unknown command",
    5: "syntax error in the value",
    6: "value not permitted",
    8: "value not available",
}
_NO_SENSOR = (-5, -6, -13)  # JULABO: working sensor, sensor difference; -13 is a temperature measurement alarm on some
_COMMAND_ERRORS = range(-13, -7)  # JULABO: about the last command, not about the device


class Dialect(StrEnum):
    """Who made the circulator."""

    LAUDA = "LAUDA"
    JULABO = "JULABO"


@dataclass(frozen=True, slots=True)
class Commands:
    """A dialect's commands; `{}` is the value in °C. `silence_s`: what to wait after a write and after a question."""

    bath: str
    setpoint: str
    set_setpoint: str
    running: str
    start: str
    stop: str
    identity: str
    status: str
    answers_writes: bool
    running_when: int
    silence_s: tuple[float, float]


LAUDA = Commands(
    bath="IN_PV_00",
    setpoint="IN_SP_00",
    set_setpoint="OUT_SP_00_{:.2f}",
    running="IN_MODE_02",
    start="START",
    stop="STOP",
    identity="TYPE",
    status="STATUS",
    answers_writes=True,
    running_when=0,
    silence_s=(0.0, 0.0),
)
JULABO = Commands(
    bath="in_pv_00",
    setpoint="in_sp_00",
    set_setpoint="out_sp_00 {:.2f}",
    running="in_mode_05",
    start="out_mode_05 1",
    stop="out_mode_05 0",
    identity="version",
    status="status",
    answers_writes=False,
    running_when=1,
    silence_s=(0.25, 0.01),
)


@dataclass(frozen=True, slots=True)
class Status:
    """What STATUS says: a fault (of the device), whether the temperature can still be believed, and the text."""

    fault: bool
    blind: bool
    text: str
    refused: bool = False  # JULABO: the last command was not carried out


def encode_command(text: str) -> bytes:
    """Return the bytes of a command such as `IN_PV_00`."""
    return text.encode("ascii") + COMMAND_END


def dialect_of(line: bytes) -> Dialect:
    """Return who answered `status` so: `03 REMOTE START` is a JULABO; `0`, `-1` or `ERR_3` a LAUDA.

    Raises:
        BadReply: neither.
    """
    text = _text(line)
    if text in {"0", "-1"} or _ERROR.fullmatch(text):
        return Dialect.LAUDA
    if _STATUS.fullmatch(text):
        return Dialect.JULABO
    raise BadReply(f"no circulator answers so: {text[:40]!r}")


def parse_number(line: bytes) -> float:
    """Return the number in an answer: a temperature in °C.

    Raises:
        BadReply: the line is no number.
        DeviceFault: the circulator answered with an error; the code is its own.
    """
    text = _checked(line)
    if not _NUMBER.fullmatch(text):
        raise BadReply(f"not a number: {text[:40]!r}")
    return float(text)


def parse_switch(line: bytes) -> int:
    """Return 0 or 1, the answer to what is on or off.

    Raises:
        BadReply: the line is neither.
        DeviceFault: the circulator answered with an error; the code is its own.
    """
    text = _checked(line)
    if text not in {"0", "1"}:
        raise BadReply(f"neither 0 nor 1: {text[:40]!r}")
    return int(text)


def parse_ok(line: bytes) -> None:
    """Check that a LAUDA took a write.

    Raises:
        BadReply: the line is not `OK`.
        DeviceFault: it was refused; the code is the circulator's own.
    """
    text = _checked(line)
    if text != "OK":
        raise BadReply(f"not OK: {text[:40]!r}")


def parse_identity(line: bytes) -> str:
    """Return what the circulator says it is; never a line that could be a value or a status.

    Raises:
        BadReply: the line could be the answer to another question.
        DeviceFault: the circulator answered with an error; the code is its own.
    """
    text = _checked(line)
    is_name = any(character.isalpha() for character in text) and text.isprintable() and len(text) <= 80
    if not is_name or text == "OK" or _STATUS.fullmatch(text):
        raise BadReply(f"not a name: {text[:40]!r}")
    return text


def parse_status(line: bytes) -> Status:
    """Return what `STATUS` says, of either dialect.

    Raises:
        BadReply: the line is no status.
        DeviceFault: the circulator answered with an error; the code is its own.
    """
    text = _checked(line)
    if text in {"0", "-1"}:
        return Status(fault=text == "-1", blind=False, text=text)
    found = _STATUS.fullmatch(text)
    if found is None:
        raise BadReply(f"not a status: {text[:40]!r}")
    code = int(found["code"])
    about_the_sensor = "SENSOR" in text.upper() or "MEASUREMENT" in text.upper()
    blind = code in _NO_SENSOR and about_the_sensor
    refused = code in _COMMAND_ERRORS and not about_the_sensor
    return Status(fault=code < 0 and not refused, blind=blind, text=text, refused=refused)


def parse_fault_flags(line: bytes) -> tuple[str, ...]:
    """Return the names of the faults in a LAUDA's answer to `STAT`: six or seven characters 0 or 1.

    Raises:
        BadReply: the line is no such answer.
        DeviceFault: the circulator answered with an error; the code is its own.
    """
    text = _checked(line)
    if not re.fullmatch("[01]{6,7}", text):
        raise BadReply(f"not an answer to STAT: {text[:40]!r}")
    return tuple(name for name, flag in zip(_FLAGS, text, strict=False) if flag == "1")


def _checked(line: bytes) -> str:
    text = _text(line)
    error = _ERROR.fullmatch(text)
    if error is not None:
        code = int(error["code"])
        raise DeviceFault(f"the circulator answered {text} ({_REASONS.get(code, 'see its manual')})", code)
    return text


def _text(line: bytes) -> str:
    try:
        return line.decode("ascii").strip(" \x00\r\n")
    except UnicodeDecodeError as exc:
        raise BadReply(f"not ASCII: {line[:40]!r}") from exc
