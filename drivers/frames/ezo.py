"""The text protocol of Atlas Scientific EZO circuits (UART): pure functions, both directions, lines end in CR.

Sources: EZO RTD datasheet, EZO EC datasheet V6.2, EZO pH datasheet V5.8 (response codes, `R`, `C,n`, `i`, `*OK,n`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from drivers.errors import BadReply

__all__ = [
    "NO_PROBE_RTD",
    "READ",
    "TERMINATOR",
    "Answer",
    "Code",
    "Command",
    "Info",
    "Reply",
    "Values",
    "encode_answer",
    "encode_command",
    "encode_values",
    "parse_command",
    "parse_reply",
]

TERMINATOR = b"\r"
READ = "R"
NO_PROBE_RTD = -1023.0  # °C: what an EZO RTD gives when no probe is connected

_NUMBER = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,12})?")  # no nan, no exponent, no underscore: the circuits send none


class Code(StrEnum):
    """A response code; all but `OK` are sent whether or not codes are switched on."""

    OK = "*OK"
    UNKNOWN_COMMAND = "*ER"
    OVER_VOLTAGE = "*OV"
    UNDER_VOLTAGE = "*UV"
    RESET = "*RS"
    READY = "*RE"
    SLEEP = "*SL"
    WAKE = "*WA"


@dataclass(frozen=True, slots=True)
class Values:
    """The numbers of one reading, in the order the circuit was set to give them."""

    fields: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Info:
    """What `i` answers: the kind of circuit (RTD, EC, pH, ...) and its firmware."""

    device: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What another query answers: `?*OK,1`, `?C,0`, `?S,c`, ..."""

    name: str
    fields: tuple[str, ...]


Reply = Values | Code | Info | Answer


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the circuit reads it: `R`, `i`, `C,0`, `*OK,?`; the name in capitals, as case does not matter."""

    name: str
    arguments: tuple[str, ...] = ()


def encode_command(text: str) -> bytes:
    """Return the bytes of a command such as `R` or `C,0`."""
    return text.encode("ascii") + TERMINATOR


def parse_reply(line: bytes) -> Reply:
    """Return what a line without its CR says.

    Raises:
        BadReply: the line is none of the protocol (noise, a half line, letters among the numbers).
    """
    try:
        text = line.decode("ascii").strip("\n\x00 ")
    except UnicodeDecodeError as exc:
        raise BadReply(f"not ASCII: {line[:40]!r}") from exc
    if text.startswith("*"):
        return _code(text)
    if text.startswith("?"):
        return _answer(text)
    return Values(tuple(_number(field) for field in text.split(",")))


def parse_command(line: bytes) -> Command | None:
    """Return the command in a line without its CR, or None when the circuit would answer `*ER`."""
    try:
        text = line.decode("ascii").strip("\n ")
    except UnicodeDecodeError:
        return None
    name, *arguments = text.split(",")
    if not name or not all(" " <= character <= "~" for character in text):
        return None
    return Command(name.upper(), tuple(arguments))


def encode_values(values: tuple[float, ...], decimals: int) -> bytes:
    """Return the line of a reading; NaN and infinity have no text in this protocol.

    Raises:
        ValueError: a value is not finite.
    """
    if not all(map(math.isfinite, values)):
        raise ValueError(f"an EZO circuit cannot say {values}")
    return ",".join(f"{value:.{decimals}f}" for value in values).encode("ascii") + TERMINATOR


def encode_answer(reply: Code | Info | Answer) -> bytes:
    """Return the line of a response code or of a query's answer."""
    if isinstance(reply, Code):
        text = reply.value
    elif isinstance(reply, Info):
        text = f"?i,{reply.device},{reply.firmware}"
    else:
        text = "?" + ",".join((reply.name, *reply.fields))
    return text.encode("ascii") + TERMINATOR


def _code(text: str) -> Code:
    try:
        return Code(text.upper())
    except ValueError as exc:
        raise BadReply(f"unknown response code {text[:40]!r}") from exc


def _answer(text: str) -> Info | Answer:
    name, *fields = text[1:].split(",")
    if name.lower() != "i":
        return Answer(name, tuple(fields))
    if len(fields) != 2 or not all(fields):
        raise BadReply(f"not an answer to i: {text[:40]!r}")
    return Info(*fields)


def _number(field: str) -> float:
    if not _NUMBER.fullmatch(field):
        raise BadReply(f"not a number: {field[:40]!r}")
    return float(field)
