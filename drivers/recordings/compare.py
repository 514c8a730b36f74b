"""Two exchanges compared: what was asked, what was answered, and when; each difference with its frames and times.

Requests are matched as a replay answers them: the first of a kind with the first, the second with the second (a kind:
unit and PDU, the text of a line, the topic of a message). Nothing is assumed of the order in which kinds take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from types import TracebackType
from typing import Self

from drivers.errors import BadReply, DeviceFault
from drivers.frames.explain import WIRES, explain, shown
from drivers.frames.modbus import Request as ModbusRequest
from drivers.frames.modbus import parse_reply, parse_request
from drivers.frames.mqtt_forms import of_frame
from drivers.recordings.dialects import DIALECTS, Answered, Chunk, Dialect, cut
from drivers.recordings.exchange import BadExchange, Exchange, Header
from drivers.recordings.shapes import shape_of_payload, shape_of_text
from drivers.wire_tap import Direction, Frame, WireTap

__all__ = ["Difference", "Kind", "Listening", "compare", "explained"]

TOLERANCE_S = 0.25
_FRAMES_HEARD = 200_000
_VALUES_SHOWN = 6
_ECHO = b"echo"
_TABLES = {1: "co", 2: "di", 3: "hr", 4: "ir", 23: "hr"}


class Kind(StrEnum):
    """What differs."""

    MISSING = "missing"  # the first holds this request, the second does not
    ADDED = "added"  # the other way round
    REPLY = "reply"  # it was answered otherwise
    COUNT = "count"  # both hold it, one of them more often
    TIMING = "timing"  # it was answered alike, but sooner or later


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `what` was asked, how it differs in words, and where it stands in both exchanges.

    Frames count from 1 and times (s) from the first frame, as `linectl frames` shows them; 0 and None: not there.
    """

    kind: Kind
    what: str
    text: str
    frame: int = 0
    t_s: float | None = None
    other_frame: int = 0
    other_t_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """One request with its reply, or one message: `said` is compared, `shape` is what of it is no value."""

    what: str
    number: int
    t_s: float
    said: bytes
    shape: bytes
    after_s: float | None  # from the request to its reply, or from the message before; None: nothing came
    told: str
    values: tuple[ModbusRequest, tuple[int, ...]] | None = None


def compare(
    first: Exchange, second: Exchange, *, tolerance_s: float = TOLERANCE_S, values: bool = True
) -> tuple[Difference, ...]:
    """Return how `second` differs from `first`, in the order of the times at which it does.

    `tolerance_s` is how much sooner or later a reply may come. Without `values` it is enough that a reply has the
    shape of the other one: as many registers, as many figures in a line, the same fields in a message; and how often
    something was asked does not count either, nor a last request whose reply came after the recording's end. A process
    that goes on differs in its values all the time.

    Raises:
        BadExchange: the two are recordings of different kinds of wire, or of a link in memory.
    """
    kind = first.header.kind
    if second.header.kind != kind:
        raise BadExchange(f"a recording of {kind} cannot be compared with one of {second.header.kind}")
    ours, theirs = _turns(first, values=values), _turns(second, values=values)
    found: list[Difference] = []
    for key in dict.fromkeys((*ours, *theirs)):
        found += _of_kind(ours.get(key, ()), theirs.get(key, ()), tolerance_s, values=values)
    return tuple(sorted(found, key=_when))


def explained(data: bytes, kind: str, direction: Direction) -> str:
    """Return bytes on a wire of `kind` in words, without what differs from day to day (the transaction's number)."""
    told = explain(Frame(0, 0.0, direction, data), kind if kind in WIRES else "line")
    return told.partition(" (transaction ")[0].removesuffix(", CRC good")


class Listening:
    """What goes over a wire for the time of a `with` block, as an exchange to compare (the first 200,000 frames)."""

    def __init__(self, tap: WireTap, header: Header) -> None:
        self._tap = tap
        self._header = header
        self._frames: list[Frame] = []
        self._end: Callable[[], None] | None = None

    def __repr__(self) -> str:
        """Return how much was heard."""
        return f"<Listening {len(self._frames)} frames>"

    def __enter__(self) -> Self:
        self._end = self._tap.listen(self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._end is not None:
            self._end()

    @property
    def exchange(self) -> Exchange:
        """What was heard so far; frames count from 1, times from the first."""
        began_s = self._frames[0].t_s if self._frames else 0.0
        frames = (
            frame._replace(number=number, t_s=frame.t_s - began_s) for number, frame in enumerate(self._frames, start=1)
        )
        return Exchange(self._header, tuple(frames))

    def _heard(self, frame: Frame) -> None:
        if len(self._frames) < _FRAMES_HEARD:
            self._frames.append(frame)


# one kind of request


def _of_kind(
    ours: Sequence[_Turn], theirs: Sequence[_Turn], tolerance_s: float, *, values: bool
) -> Iterator[Difference]:
    if not theirs:
        yield Difference(Kind.MISSING, ours[0].what, _times(len(ours), "in the first only"), *_at(ours[0]))
        return
    if not ours:
        text = _times(len(theirs), "in the second only")
        yield Difference(Kind.ADDED, theirs[0].what, text, 0, None, *_at(theirs[0]))
        return
    for one, other in zip(ours, theirs, strict=False):
        text = _said_otherwise(one, other, values=values)
        if text:
            yield Difference(Kind.REPLY, one.what, text, *_at(one), *_at(other))
        elif one.after_s is not None and other.after_s is not None and abs(other.after_s - one.after_s) > tolerance_s:
            text = f"after {one.after_s:.3f} s in the first, after {other.after_s:.3f} s in the second"
            yield Difference(Kind.TIMING, one.what, text, *_at(one), *_at(other))
    if values and len(ours) != len(theirs):
        text = f"{len(ours)} times in the first, {len(theirs)} times in the second"
        last = min(len(ours), len(theirs))
        more = (*_at(ours[last]), 0, None) if len(ours) > last else (0, None, *_at(theirs[last]))
        yield Difference(Kind.COUNT, ours[0].what, text, *more)


def _at(turn: _Turn) -> tuple[int, float]:
    return turn.number, turn.t_s


def _times(count: int, where: str) -> str:
    return where if count == 1 else f"{where}, {count} times"


def _when(difference: Difference) -> tuple[float, int]:
    times = [each for each in (difference.t_s, difference.other_t_s) if each is not None]
    return min(times), difference.frame or difference.other_frame


def _said_otherwise(one: _Turn, other: _Turn, *, values: bool) -> str:
    """Return how the two replies differ, in words; empty when they do not."""
    if one.said == other.said or (not values and one.shape == other.shape):
        return ""
    if one.values is not None and other.values is not None:
        return _values_text(one.values[0], one.values[1], other.values[1])
    return f"{one.told} in the first, {other.told} in the second"


def _values_text(request: ModbusRequest, ours: Sequence[int], theirs: Sequence[int]) -> str:
    """Return which registers differ, by name: `ir10 450 -> 452`."""
    table = _TABLES[request.function]
    changed = [
        f"{table}{request.address + k} {one} -> {other}"
        for k, (one, other) in enumerate(zip_longest(ours, theirs))
        if one != other
    ]
    more = len(changed) - _VALUES_SHOWN
    return ", ".join(changed[:_VALUES_SHOWN]) + (f" and {more} more" if more > 0 else "")


# an exchange cut into turns


def _turns(exchange: Exchange, *, values: bool) -> Mapping[bytes, Sequence[_Turn]]:
    kind = exchange.header.kind
    if kind == "mqtt":
        return _messages(exchange.frames)
    if kind not in DIALECTS:
        raise BadExchange(f"a recording of {kind} has nothing that could be compared")
    dialect = DIALECTS[kind]()
    found = cut(exchange.frames, dialect)
    turns: dict[bytes, list[_Turn]] = {}
    if found.greeting:
        turns[b""] = [_greeting(found.greeting, kind)]
    for each in found.answered:
        turns.setdefault(each.request.key, []).append(_answered(each, dialect, kind))
    if found.answered and not values:
        _leave_out_the_cut(turns[found.answered[-1].request.key], exchange.frames[-1].number)
    return turns


def _leave_out_the_cut(turns: list[_Turn], last_frame: int) -> None:
    """Take away a request with which the recording ends, if it was answered before: its reply came too late for it."""
    if turns[-1].after_s is None and turns[-1].number == last_frame and any(each.after_s for each in turns[:-1]):
        del turns[-1]


def _answered(each: Answered, dialect: Dialect, kind: str) -> _Turn:
    what = explained(each.request.data, kind, Direction.SENT)
    said = b"".join(chunk.data for chunk in each.chunks)
    told = explained(said, kind, Direction.RECEIVED) if said else "no reply"
    after_s = each.chunks[0].delay_s if each.chunks else None
    pdu = dialect.pdu_of(said) if said else None
    if pdu is None:
        return _Turn(what, each.number, each.asked_s, said, shape_of_text(said), after_s, told)
    values = _values(each.request.pdu, pdu)
    pdu = _ECHO if pdu == each.request.pdu else pdu  # a loopback comes back with its own random number
    shape = pdu[:2] + bytes(len(pdu)) if values is not None else pdu
    return _Turn(what, each.number, each.asked_s, pdu, shape, after_s, told, values)


def _values(asked: bytes, pdu: bytes) -> tuple[ModbusRequest, tuple[int, ...]] | None:
    """Return the request and the values of a read that was answered with some."""
    try:
        request = parse_request(asked)
        values = parse_reply(request, pdu) if request.function in _TABLES else ()
    except (BadReply, DeviceFault):
        return None
    return (request, values) if values else None


def _greeting(chunks: Sequence[Chunk], kind: str) -> _Turn:
    said = b"".join(chunk.data for chunk in chunks)
    told = explained(said, kind, Direction.RECEIVED)
    return _Turn("before any request", chunks[0].number, chunks[0].delay_s, said, shape_of_text(said), None, told)


def _messages(frames: Iterable[Frame]) -> Mapping[bytes, Sequence[_Turn]]:
    turns: dict[bytes, list[_Turn]] = {}
    for frame in frames:
        if frame.direction is not Direction.RECEIVED:
            continue
        try:
            topic, payload = of_frame(frame.data)
        except BadReply:
            continue  # nothing that the driver noted
        before = turns.setdefault(topic.encode(), [])
        after_s = frame.t_s - before[-1].t_s if before else None
        shape = shape_of_payload(payload)
        before.append(_Turn(topic, frame.number, frame.t_s, payload, shape, after_s, shown(payload) or "nothing"))
    return turns
