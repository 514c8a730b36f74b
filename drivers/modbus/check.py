"""Whether a Modbus reply answers its request: function, counts and echoes, byte by byte, before anything is decoded.

The decoder of pymodbus takes a reply of another function and one with fewer values than asked for an answer; so
nothing reaches it that this module has not seen. After the Modbus application protocol V1.1b3, section 6.
"""

from __future__ import annotations

from drivers.errors import BadReply, DeviceFault
from drivers.frames.modbus import exception_text
from drivers.modbus.framing import reply_size

__all__ = ["check", "what_was_asked"]

_COUNTED = (1, 2, 3, 4, 23)
_ECHOED = {5: 3, 6: 3, 8: None, 15: 5, 16: 5, 22: None}  # how much of the request comes back; None: all of it
_IDENTIFY = 43
_TABLES = {
    1: "coil",
    2: "discrete input",
    3: "holding register",
    4: "input register",
    5: "coil",
    6: "holding register",
    15: "coil",
    16: "holding register",
    22: "holding register",
    23: "holding register",
}


def what_was_asked(asked: bytes) -> str:
    """Return what the request PDU `asked` is about, in words: `input register 10`."""
    table = _TABLES.get(asked[0])
    return f"{table} {int.from_bytes(asked[1:3], 'big')}" if table else f"function {asked[0]}"


def check(asked: bytes, answer: bytes, unit: int) -> None:
    """Do nothing when the reply PDU `answer` answers the request PDU `asked` of `unit`.

    The value echoed by functions 5 and 6 is not compared: some servers echo what they keep rather than what they got,
    which is a clamp and not a wrong reply; whoever wrote compares it.

    Raises:
        DeviceFault: the unit answered with an exception; `code` is its number.
        BadReply: the reply is of another function, count, address or shape.
    """
    function = asked[0]
    if answer and answer[0] == function | 0x80 and len(answer) == 2:
        code = answer[1]
        raise DeviceFault(f"unit {unit}, {what_was_asked(asked)}: exception {code} ({exception_text(code)})", code)
    if not answer or answer[0] != function:
        got = f"function {answer[0]}" if answer else "nothing"
        raise BadReply(f"unit {unit}: function {function} was asked, {got} answered")
    if function in _COUNTED:
        _check_count(asked, answer, unit)
    elif function in _ECHOED:
        _check_echo(asked, answer, unit)
    elif function == _IDENTIFY:
        _check_identification(asked, answer, unit)


def _check_count(asked: bytes, answer: bytes, unit: int) -> None:
    size = reply_size(asked)
    if len(answer) != size or answer[1] != size - 2:
        told = answer[1] if len(answer) > 1 else 0
        wanted = (size or 2) - 2
        raise BadReply(f"unit {unit}: {wanted} bytes of values were asked, {told} told and {len(answer) - 2} answered")


def _check_echo(asked: bytes, answer: bytes, unit: int) -> None:
    size = reply_size(asked)
    wanted = asked[: _ECHOED[asked[0]]]
    if len(answer) != size or answer[: len(wanted)] != wanted:
        raise BadReply(f"unit {unit}: {wanted.hex(' ')} was to be echoed, {answer.hex(' ')} came")
    if asked[0] == 5 and answer[3:] not in (b"\x00\x00", b"\xff\x00"):
        raise BadReply(f"unit {unit}: a coil is echoed as {answer[3:].hex(' ')}")


def _check_identification(asked: bytes, answer: bytes, unit: int) -> None:
    """Check the head of 43/14 and that its objects fill the reply exactly."""
    if len(answer) < 7 or answer[1:3] != asked[1:3]:
        raise BadReply(f"unit {unit}: no identification: {answer.hex(' ')}")
    end = 7
    for _ in range(answer[6]):
        if len(answer) < end + 2:
            break
        end += 2 + answer[end + 1]
    else:
        if end == len(answer):
            return
    raise BadReply(f"unit {unit}: the objects of the identification do not fill it: {answer.hex(' ')}")
