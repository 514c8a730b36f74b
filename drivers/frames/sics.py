"""The MT-SICS text protocol of balances: pure functions, both directions, lines end in CR LF.

Sources: Mettler Toledo, MT-SICS Interface Commands, Reference Manual for Standard and Advanced Laboratory Balances
(30014405); operating instructions of the AT, JS and AL-IC balances (`S`, `SI`, `SIR`, `Z`, `T`, `@`, `I4` and their
answers; `S I`, `S +`, `S -`). `ES`, `ET`, `EL` and `S S Error 10b` are from the same family of manuals by way of
drivers in public use; they were not seen on a balance here. Columns differ between models: an answer is cut at spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from drivers.errors import BadReply, DeviceFault

__all__ = [
    "CANCEL",
    "NOW",
    "STABLE",
    "STREAM",
    "TARE",
    "TERMINATOR",
    "ZERO",
    "Fault",
    "Weight",
    "encode_command",
    "encode_weight",
    "parse_serial_number",
    "parse_tare",
    "parse_weight",
    "parse_zero",
]

TERMINATOR = b"\r\n"
STABLE = "S"  # a stable weight: the balance waits for it, and gives up by itself
NOW = "SI"
STREAM = "SIR"
TARE = "T"
ZERO = "Z"
CANCEL = "@"  # cancels what is under way, SIR too, and answers as I4

_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,12})?")  # no nan, no exponent: a balance sends none
_SERIAL = re.compile(r'I4 A "(?P<number>[ -~]{1,40})"')
_GRAMS = {"g": 1.0, "kg": 1000.0, "mg": 0.001}


class Fault(IntEnum):
    """Why a balance did not do as it was told; the code of the `DeviceFault`."""

    NOT_EXECUTABLE = 1
    OVERLOAD = 2
    UNDERLOAD = 3
    SYNTAX = 4
    TRANSMISSION = 5
    LOGICAL = 6
    HARDWARE = 7


class _Said(StrEnum):
    """What follows the command's name when nothing came of it, and the general errors."""

    NOT_EXECUTABLE = "I"
    OVERLOAD = "+"
    UNDERLOAD = "-"
    LOGICAL = "L"


_WORDS = {
    Fault.NOT_EXECUTABLE: "not executable now: the balance is busy, or it did not come to rest",
    Fault.OVERLOAD: "overload",
    Fault.UNDERLOAD: "underload",
    Fault.SYNTAX: "the balance does not know this command",
    Fault.TRANSMISSION: "the balance received a garbled command",
    Fault.LOGICAL: "the balance cannot execute this command",
    Fault.HARDWARE: "the balance reports an error of its own",
}
_GENERAL = {"ES": Fault.SYNTAX, "ET": Fault.TRANSMISSION, "EL": Fault.LOGICAL}


@dataclass(frozen=True, slots=True)
class Weight:
    """A net weight in g, and whether the balance had come to rest."""

    grams: float
    stable: bool


def encode_command(text: str) -> bytes:
    """Return the bytes of a command such as `S` or `@`."""
    return text.encode("ascii") + TERMINATOR


def encode_weight(weight: Weight, decimals: int = 2, *, unit: str = "g", name: str = "S") -> bytes:
    """Return the line of a weight as a balance sends it, right aligned in 10 columns."""
    value = weight.grams / _GRAMS.get(unit, 1.0)
    return f"{name} {'S' if weight.stable else 'D'} {value:10.{decimals}f} {unit}".encode("ascii") + TERMINATOR


def parse_weight(line: bytes) -> Weight:
    """Return the weight that answers `S`, `SI` or `SIR`, in g (mg and kg are converted).

    Raises:
        BadReply: the line is no such answer, or the balance shows a unit that is none of g, mg and kg.
        DeviceFault: not executable, overload, underload, or an error of the balance; the code is a `Fault`.
    """
    return _weight(_words(line, "S"), line)


def parse_tare(line: bytes) -> Weight:
    """Return the tare that `T` took, in g.

    Raises:
        BadReply: the line is no answer to `T`.
        DeviceFault: nothing was tared; the code is a `Fault`.
    """
    return _weight(_words(line, "T"), line)


def parse_zero(line: bytes) -> None:
    """Check that `Z` was done.

    Raises:
        BadReply: the line is no answer to `Z`.
        DeviceFault: nothing was zeroed; the code is a `Fault`.
    """
    if _words(line, "Z") != ["A"]:
        raise BadReply(f"not an answer to Z: {line[:40]!r}")


def parse_serial_number(line: bytes) -> str:
    """Return the serial number in the answer to `I4` or `@`.

    Raises:
        BadReply: the line is no such answer.
        DeviceFault: the balance does not tell it; the code is a `Fault`.
    """
    found = _SERIAL.fullmatch(_text(line))
    if found is None:
        _words(line, "I4")
        raise BadReply(f"not an answer to I4: {line[:40]!r}")
    return found["number"]


def _weight(words: list[str], line: bytes) -> Weight:
    if len(words) != 3 or words[0] not in {"S", "D"}:
        raise BadReply(f"not a weight: {line[:40]!r}")
    state, number, unit = words
    if number == "Error":
        raise DeviceFault(f"{_WORDS[Fault.HARDWARE]} ({unit[:10]})", Fault.HARDWARE)
    if not _NUMBER.fullmatch(number):
        raise BadReply(f"not a weight: {line[:40]!r}")
    factor = _GRAMS.get(unit)
    if factor is None:
        raise BadReply(f"the balance answers in {unit[:10]!r}: set its unit to g, mg or kg")
    return Weight(float(number) * factor, stable=state == "S")


def _words(line: bytes, name: str) -> list[str]:
    """Return the words behind the command's `name`.

    Raises:
        BadReply: the line answers another command.
        DeviceFault: the line says why nothing was done.
    """
    words = _text(line).split()
    if len(words) == 1 and words[0] in _GENERAL:
        fault = _GENERAL[words[0]]
        raise DeviceFault(f"{words[0]}: {_WORDS[fault]}", fault)
    if not words or words[0] != name:
        raise BadReply(f"not an answer to {name}: {line[:40]!r}")
    if len(words) == 2 and words[1] in set(_Said):
        fault = Fault[_Said(words[1]).name]
        raise DeviceFault(f"{name} {words[1]}: {_WORDS[fault]}", fault)
    return words[1:]


def _text(line: bytes) -> str:
    try:
        return line.decode("ascii").strip(" \x00\r\n")
    except UnicodeDecodeError as exc:
        raise BadReply(f"not ASCII: {line[:40]!r}") from exc
