"""What is fuzzed: every parser of bytes that come from a wire, a file or a person, and what must hold of each.

A target takes any bytes and returns. The errors that a parser documents are its answer to nonsense and are caught
here; anything else that leaves a target is a crash. Where there are two parsers of one thing, or a way back, a target
compares them. `tools/fuzz.py` runs them under atheris (coverage-guided), `test_fuzz.py` replays the saved corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from drivers.addresses import circulator_point, ezo_field, modbus_address, mqtt_field, sics_point
from drivers.errors import BadAddress, BadReply, DeviceFault
from drivers.frames import circulator, ezo, modbus, mqtt_forms, payload, sics
from drivers.frames.explain import WIRES, explain
from drivers.frames.lines import LineBuffer
from drivers.frames.modbus_identity import parse_identification
from drivers.frames.modbus_rtu import RtuRequests, rtu_frame, unframed
from drivers.frames.registers import registers_of, value_of
from drivers.link import Point
from drivers.modbus.check import check
from drivers.modbus.framing import MbapFramer, RtuFramer, Verdict, reply_size
from drivers.recordings.exchange import BadExchange, _Reader
from drivers.settings import MqttSource
from drivers.wire_tap import Direction, Frame

__all__ = ["BROKEN", "TARGETS", "Target", "corpus"]

KINDS = ("u16", "i16", "u32", "i32", "f32", "u64", "i64", "f64", "bool", "str", "block", "float")
_WIDTHS = {"u16": 1, "i16": 1, "bool": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4, "i64": 4, "f64": 4}
_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
# request PDUs that replies are judged against
_ASKED = tuple(
    map(
        bytes.fromhex,
        [
            *("0100000003", "0200000009", "0300000003", "0400140002", "050003ff00", "0600050037", "080000a537"),
            *("0f0000000a02ff03", "100000000204000a0102", "16000400f20025", "17000300020000000102ffff", "2b0e0100"),
        ],
    )
)


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to fuzz: `run` takes any bytes; `words` help the fuzzer to find its way in.

    `share` weighs its part of all executions: little for what is slow.
    """

    run: Callable[[bytes], None]
    share: int = 1
    words: tuple[bytes, ...] = field(default=())


def corpus(folder: Path, name: str) -> tuple[bytes, ...]:
    """Return the saved inputs of the target `name`: the lines of `folder/name/corpus.txt`, in hexadecimal."""
    file = folder / name / "corpus.txt"
    if not file.exists():
        return ()
    return tuple(bytes.fromhex(line) for line in file.read_text(encoding="ascii").splitlines() if line[:1] != "#")


def _head(data: bytes, count: int) -> tuple[bytes, bytes]:
    """Return the first `count` bytes (filled up with 0) and the rest: the first choose, the rest is the input."""
    return data[:count].ljust(count, b"\0"), data[count:]


def _pieces(data: bytes, step: int) -> Iterator[bytes]:
    for at in range(0, len(data), step):
        yield data[at : at + step]


# the codec of the simulator's server, and the client's


def modbus_request(data: bytes) -> None:
    """A request that is taken says the same when it is written and read again."""
    with suppress(DeviceFault):
        request = modbus.parse_request(data)
        assert modbus.parse_request(modbus.request_pdu(request)) == request


def modbus_reply(data: bytes) -> None:
    """What the server's codec takes for the reply passes the client's check, and the other way round for values."""
    (choice,), answer = _head(data, 1)
    asked = _ASKED[choice % len(_ASKED)]
    request = modbus.parse_request(asked)
    taken = checked = None
    with suppress(BadReply, DeviceFault):
        taken = modbus.parse_reply(request, answer)
    with suppress(BadReply, DeviceFault):
        check(asked, answer, 2)
        checked = True
    assert taken is None or checked, "taken by one, refused by the other"
    if request.function in {1, 2, 3, 4, 23}:
        assert (taken is not None) == bool(checked)
        assert taken is None or len(taken) == request.count
    if checked and (size := reply_size(asked)) is not None:
        assert len(answer) == size


def modbus_identity(data: bytes) -> None:
    with suppress(BadReply):
        parse_identification(data)


def mbap_stream(data: bytes) -> None:
    """However the bytes come, the same frames are found; no byte is lost or told twice."""
    (step,), stream = _head(data, 1)
    whole, pieces = MbapFramer(), MbapFramer()
    for framer in (whole, pieces):
        framer.frame(2, _ASKED[2])
    found = whole.feed(stream)
    parts = [one for piece in _pieces(stream, step % 16 + 2) for one in pieces.feed(piece)]
    assert [one for one in parts if one.verdict is not Verdict.GARBAGE] == [
        one for one in found if one.verdict is not Verdict.GARBAGE
    ]
    for framer, told in ((whole, found), (pieces, parts)):
        assert b"".join(one.data for one in told) + framer.give_up() == stream
    buffer = bytearray(stream)
    with suppress(BadReply):
        assert all(len(pdu) <= 253 for _, _, pdu in modbus.split_frames(buffer))


def rtu_replies(data: bytes) -> None:
    """What is found is whole and of the unit and function that were asked; the buffer stays bounded."""
    (choice, step), stream = _head(data, 2)
    asked = _ASKED[choice % len(_ASKED)]
    framer = RtuFramer()
    framer.frame(2, asked)
    first = None
    for piece in _pieces(stream, step % 64 + 8):
        for one in framer.feed(piece):
            first = first or one
            assert len(one.data) <= 4 * 256
            if one.verdict in {Verdict.REPLY, Verdict.TWO}:
                assert unframed(one.data) == (one.unit, one.pdu)
                assert (one.unit, one.pdu[0] & 0x7F) == (2, asked[0])
    assert len(framer.give_up()) <= 4 * 256
    whole = RtuFramer()
    whole.frame(2, asked)
    at_once = whole.feed(stream)
    if first is not None and first.verdict is Verdict.REPLY and at_once:
        assert at_once[0].verdict in {Verdict.REPLY, Verdict.TWO}
        assert at_once[0].pdu == first.pdu


def rtu_checked(data: bytes) -> None:
    """A body with the right CRC: the framer and the check are reached behind it."""
    (choice, unit), body = _head(data, 2)
    asked = _ASKED[choice % len(_ASKED)]
    framer = RtuFramer()
    framer.frame(unit % 4, asked)
    for one in framer.feed(rtu_frame(unit >> 2 & 3, body[:253] or b"\x03")):
        if one.verdict is Verdict.REPLY:
            with suppress(BadReply, DeviceFault):
                check(asked, one.pdu, one.unit)


def rtu_requests(data: bytes) -> None:
    """The server's ears: every byte is a request's or noise, and silence leaves nothing behind."""
    (step, framed), stream = _head(data, 2)
    if framed & 1:
        stream = b"".join(rtu_frame(2, part[:253] or b"\x07") for part in stream.split(b"\xee"))
    ears, heard = RtuRequests(), 0
    for piece in _pieces(stream, step % 32 + 8):
        heard += sum(len(pdu) + 3 for _, pdu in ears.feed(piece))
        assert ears.pending <= 256
    heard += sum(len(pdu) + 3 for _, pdu in ears.silence())
    assert ears.pending == 0
    assert heard + ears.noise == len(stream)


def registers(data: bytes) -> None:
    """A value goes back into the registers it came from; NaN and text keep less than all bits."""
    (choice, orders), rest = _head(data, 2)
    kind, order = KINDS[choice % 11], _ORDERS[orders % 4]
    count = _WIDTHS.get(kind, len(rest) // 2 or 1)
    rest = rest[: 2 * count].ljust(2 * count, b"\0")
    words = tuple(int.from_bytes(rest[at : at + 2], "big") for at in range(0, 2 * count, 2))
    try:
        value = value_of(kind, words, order, bit=orders >> 2 & 15 if kind == "bool" else -1)
    except ValueError:
        assert kind == "str"
        return
    with suppress(ValueError):
        back = registers_of(kind, value, order, count if kind in {"str", "block"} else 0)
        again = value_of(kind, back, order)
        assert again == value or value != value  # noqa: PLR0124  # NaN
        assert kind in {"str", "bool"} or value != value or back == words  # noqa: PLR0124  # the same


# text instruments


def lines(data: bytes) -> None:
    """However the bytes come, the same lines are found and the same bytes dropped; none is longer than the limit."""
    (choice, step), stream = _head(data, 2)
    terminator = (b"\r", b"\r\n", b"")[choice % 3]
    whole, pieces = LineBuffer(terminator, 20), LineBuffer(terminator, 20)
    found = whole.feed(stream)
    parts = [one for piece in _pieces(stream, step % 8 + 1) for one in pieces.feed(piece)]
    assert parts == found
    assert (pieces.overflows, pieces.dropped) == (whole.overflows, whole.dropped)
    assert all(len(line) <= 20 for line in found)
    assert len(pieces.unfinished) <= 20 + len(terminator) // 2
    pieces.clear()
    assert pieces.feed(b"after\r\n") == [b"after"]


def ezo_lines(data: bytes) -> None:
    with suppress(BadReply):
        ezo.parse_reply(data)
    command = ezo.parse_command(data)
    if command is not None:
        assert command.name == command.name.upper()


def sics_lines(data: bytes) -> None:
    for parse in (sics.parse_weight, sics.parse_tare, sics.parse_zero, sics.parse_serial_number):
        with suppress(BadReply, DeviceFault):
            parse(data)


def circulator_lines(data: bytes) -> None:
    parsers: tuple[Callable[[bytes], object], ...] = (
        *(circulator.dialect_of, circulator.parse_number, circulator.parse_switch, circulator.parse_ok),
        *(circulator.parse_identity, circulator.parse_status, circulator.parse_fault_flags),
    )
    for parse in parsers:
        with suppress(BadReply, DeviceFault):
            parse(data)


# sensors


def json_payload(data: bytes) -> None:
    """What is taken is finite and small, and each kind of it is of its type."""
    with suppress(BadReply):
        number = payload.decode_number(data)
        assert abs(number) < float("inf")
    with suppress(BadReply):
        document = payload.decode(data)
        assert len(data) <= payload.SIZE_LIMIT
        payload.source_time_ns(document)
        for path in ((), ("temperature",), ("0", "v")):
            with suppress(BadReply):
                leaf = payload.field_at(document, path)
                for kind in KINDS:
                    with suppress(BadReply):
                        assert isinstance(payload.typed(leaf, kind), float | int | bool | str)


def mqtt_messages(data: bytes) -> None:
    (choice,), rest = _head(data, 1)
    form = mqtt_forms.FORMS[choice % 5]
    source = MqttSource("home/bath", form)
    topics = [one.replace("+", "temperature:0") for one in mqtt_forms.filters(source)]
    topic = topics[choice // 5 % len(topics)]
    assert mqtt_forms.belongs(source, topic)
    with suppress(BadReply):
        said = mqtt_forms.understood(source, topic, rest)
        assert all(isinstance(name, str) for name in said.parts)
    with suppress(BadReply):
        mqtt_forms.of_frame(rest)


# what people look at


def explained(data: bytes) -> None:
    """Any bytes on any wire are told on one line."""
    (choice,), rest = _head(data, 1)
    wire = (*WIRES, "smoke")[choice % (len(WIRES) + 1)]
    direction = tuple(Direction)[choice // 8 % 3]
    if wire == "modbus_rtu" and choice & 0x80:
        rest = rtu_frame(2, rest[:253])
    told = explain(Frame(1, 0.0, direction, rest, "unit 2", "late" if choice & 0x40 else ""), wire)
    assert told
    assert len(told.splitlines()) == 1


def exchange_file(data: bytes) -> None:
    """A recording: read whole, or refused with the line that is wrong."""
    with suppress(BadExchange):
        exchange = _Reader(Path("fuzzed")).read(data.split(b"\n"))
        assert [frame.number for frame in exchange.frames] == list(range(1, len(exchange.frames) + 1))


def addresses(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    kind, _, address = text.rpartition(" ")
    kind, _, order = kind.partition("/")
    point = Point(address, kind or "u16", order=order or "ABCD")
    parsers: tuple[Callable[[Point], object], ...] = (
        *(modbus_address, ezo_field, mqtt_field, sics_point, circulator_point),
    )
    for parse in parsers:
        with suppress(BadAddress):
            parse(point)


_JSON = tuple(
    b'{ } [ ] " : , null true 1e999 NaN "ts": "seq": "temperature": "params": "method": "TempUnit":"F"'.split()
)
_FIELDS = tuple(b'"format":"linectl "version":1 "link": "settings":{ "t_s": "direction":"sent" "hex": "end":'.split())

TARGETS: Mapping[str, Target] = {
    "modbus_request": Target(modbus_request, 6),
    "modbus_reply": Target(modbus_reply, 4),
    "modbus_identity": Target(modbus_identity, 4),
    "mbap_stream": Target(mbap_stream, 1, (b"\x00\x01\x00\x00\x00",)),
    "rtu_replies": Target(rtu_replies, 1, (b"\x02\x03\x06", b"\x02\x83\x02")),
    "rtu_checked": Target(rtu_checked, 1),
    "rtu_requests": Target(rtu_requests, 1),
    "registers": Target(registers, 4),
    "lines": Target(lines, 1, (b"\r", b"\n", b"\r\n")),
    "ezo_lines": Target(ezo_lines, 6, (b"*OK", b"?I,", b"*RE", b"?STATUS,")),
    "sics_lines": Target(sics_lines, 4, (b"S S ", b"S D ", b"S I", b"I4 A ", b" g", b"ES", b"Error")),
    "circulator_lines": Target(circulator_lines, 4, (b"ERR_", b"OK", b"-1", b"03 REMOTE START", b"SENSOR")),
    "json_payload": Target(json_payload, 6, _JSON),
    "mqtt_messages": Target(mqtt_messages, 6, (*_JSON, b"Online", b"NotifyStatus")),
    "explained": Target(explained, 6),
    "exchange_file": Target(exchange_file, 4, (*_JSON[:8], *_FIELDS)),
    "addresses": Target(addresses, 4, (b"f32/CDAB ", b"2/hr0:3", b"+2", b".15", b"block ", b"str ")),
}


# the negative control: a parser with a mistake in it, which the harness must find


def _broken(data: bytes) -> None:
    """Read a length-prefixed list of length-prefixed texts, and trust the last length."""
    if data[:2] != b"\x2b\x0e" or len(data) < 4:
        return
    at = 4
    for _ in range(data[3]):
        if at >= len(data):
            return
        size = data[at]
        if size > 3:
            data[at + size]  # IndexError: nobody looked whether it is there
        at += 1 + size


BROKEN = Target(_broken)
