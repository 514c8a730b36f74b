"""The ills of a wire: small pure functions that make one each, all with units, all drawn from the link's own seed.

What an ill does depends on what the wire can tell. A damaged RTU frame fails its CRC. Modbus TCP has no checksum of its
own, so that damage is done to what a client can check: the header and the function, never the data alone. A line of
text has none either: the eighth bit of its characters is damaged, which no instrument sends; a digit that turned into
another nobody could see, on a real wire either.
"""

from __future__ import annotations

from random import Random

from linectl.sim.wires.trouble import SILENT, Asked, Ill, Reply

__all__ = [
    "drop",
    "duplicate",
    "exception",
    "foreign",
    "garble",
    "half_open",
    "hang_up",
    "late",
    "noise",
    "slow",
    "swapped_words",
    "truncate",
    "unit_gone",
]

_TCP_HEADER = (0, 1, 2, 3, 6, 7)  # bytes of a Modbus TCP frame that a client compares: ids, protocol, unit, function
_MOST_BITS = 3  # a CRC-16 finds any three wrong bits in a frame of 256 bytes


def late(low_s: float, high_s: float | None = None, *, share: float = 1.0) -> Ill:
    """Return an ill that holds a `share` of the replies back for `low_s`, or between `low_s` and `high_s`."""
    most_s = low_s if high_s is None else high_s
    if not 0.0 <= low_s <= most_s:
        raise ValueError(f"a reply cannot be late by {low_s} to {most_s} s")

    def reply(whole: Reply, _asked: Asked, draw: Random) -> Reply:
        hit, by_s = draw.random() < share, draw.uniform(low_s, most_s)
        return _put_off(whole, by_s) if hit else whole

    return Ill("late", reply=reply)


def drop(share: float = 1.0) -> Ill:
    """Return an ill that loses a `share` of the replies; what was asked is carried out all the same."""

    def reply(whole: Reply, _asked: Asked, draw: Random) -> Reply:
        return Reply((), whole.close) if draw.random() < share else whole

    return Ill("drop", reply=reply)


def duplicate(share: float = 1.0, after_s: float = 0.0) -> Ill:
    """Return an ill that sends a `share` of the replies twice, the second `after_s` after the first."""

    def reply(whole: Reply, _asked: Asked, draw: Random) -> Reply:
        if draw.random() >= share:
            return whole
        return Reply((*whole.pieces, (after_s, whole.data)), whole.close)

    return Ill("duplicate", reply=reply)


def garble(share: float = 1.0, bits: int = 1) -> Ill:
    """Return an ill that flips `bits` (1 to 3) bits in a `share` of the replies, where the wire lets it be seen."""
    if not 1 <= bits <= _MOST_BITS:
        raise ValueError(f"1 to {_MOST_BITS} bits of a reply can be flipped, not {bits}")

    def reply(whole: Reply, asked: Asked, draw: Random) -> Reply:
        if draw.random() >= share:
            return whole
        return _mapped(whole, _flipped(whole.data, asked, draw, bits))

    return Ill("garble", reply=reply)


def truncate(share: float = 1.0, keep: float = 0.5) -> Ill:
    """Return an ill that cuts a `share` of the replies: the first `keep` (0 to 1) of the bytes come, not all."""

    def reply(whole: Reply, _asked: Asked, draw: Random) -> Reply:
        if draw.random() >= share:
            return whole
        data = whole.data
        return _mapped(whole, data[: min(int(len(data) * keep), len(data) - 1)])

    return Ill("truncate", reply=reply)


def slow(byte_s: float, *, share: float = 1.0) -> Ill:
    """Return an ill that lets a `share` of the replies drip: byte by byte, `byte_s` before each but the first."""

    def reply(whole: Reply, asked: Asked, draw: Random) -> Reply:
        if draw.random() >= share:
            return whole
        if asked.wire == "mqtt":  # a broker passes on whole messages
            return _put_off(whole, byte_s * (len(whole.data) - 1))
        pieces: list[tuple[float, bytes]] = []
        for delay_s, data in whole.pieces:
            pieces += [(byte_s if at else delay_s, data[at : at + 1]) for at in range(len(data))]
        return Reply(tuple(pieces), whole.close)

    return Ill("slow", reply=reply)


def half_open() -> Ill:
    """Return an ill that lets the other side accept connections and bytes, and never answer: nothing arrives."""
    return Ill("half_open", before=lambda _asked, _draw: SILENT)


def hang_up(share: float = 1.0) -> Ill:
    """Return an ill that ends the connection in place of a `share` of the replies (a tty: the reply is lost)."""

    def reply(whole: Reply, _asked: Asked, draw: Random) -> Reply:
        return Reply((), close=True) if draw.random() < share else whole

    return Ill("hang_up", reply=reply)


def exception(code: int, *, share: float = 1.0, writes_only: bool = False) -> Ill:
    """Return an ill that refuses a `share` of the requests with the Modbus exception `code`; nothing is carried out."""
    if not 1 <= code <= 11:
        raise ValueError(f"Modbus exceptions have codes 1 to 11, not {code}")

    def before(asked: Asked, draw: Random) -> int:
        return code if draw.random() < share and not (writes_only and asked.table) else 0

    return Ill("exception", before=before)


def unit_gone(unit: int | None = None, *, code: int = 11) -> Ill:
    """Return an ill that takes `unit` (None: every unit of the link) off the bus.

    On a serial line nothing answers; the gateway of a network says so by the exception `code` (0: it keeps silent).
    """

    def before(asked: Asked, _draw: Random) -> int:
        if unit is not None and asked.unit != unit:
            return 0
        return code if asked.wire == "tcp" and code else SILENT

    return Ill("unit_gone", before=before)


def swapped_words(table: str, first: int, count: int, *, unit: int | None = None) -> Ill:
    """Return an ill that shows pairs of registers in the wrong order: from `first` on, `count` registers of `table`.

    As a PLC does whose program was loaded with another word order. Only reads are changed; pairs start at `first`.
    """
    if count < 2 or count % 2:
        raise ValueError(f"registers are swapped in pairs, not {count}")

    def registers(asked: Asked, values: list[int]) -> list[int]:
        if asked.table != table or (unit is not None and asked.unit != unit):
            return values
        shown, start = list(values), asked.address
        for low in range(first, first + count, 2):
            at = low - start
            if at >= 0 and at + 1 < len(values):
                shown[at], shown[at + 1] = values[at + 1], values[at]
        return shown

    return Ill("swapped_words", registers=registers)


def foreign(share: float = 1.0, *, instead: bool = False) -> Ill:
    """Return an ill that puts an answer to another question ahead of a `share` of the replies, or in their place."""

    def reply(whole: Reply, asked: Asked, draw: Random) -> Reply:
        if draw.random() >= share or not asked.foreign:
            return whole
        first = (whole.pieces[0][0], asked.foreign)
        rest = () if instead else ((0.0, whole.pieces[0][1]), *whole.pieces[1:])
        return Reply((first, *rest), whole.close)

    return Ill("foreign", reply=reply)


def noise(share: float = 1.0, count: int = 8) -> Ill:
    """Return an ill that puts `count` bytes of noise ahead of a `share` of the replies, as a bad cable does."""

    def reply(whole: Reply, _asked: Asked, draw: Random) -> Reply:
        if draw.random() >= share:
            return whole
        # 0x80 to 0xFF: no line of text and no function of Modbus begins so
        heard = bytes(draw.randrange(0x80, 0x100) for _ in range(count))
        (delay_s, data), *rest = whole.pieces
        return Reply(((delay_s, heard + data), *rest), whole.close)

    return Ill("noise", reply=reply)


def _put_off(whole: Reply, by_s: float) -> Reply:
    (delay_s, data), *rest = whole.pieces
    return Reply(((delay_s + by_s, data), *rest), whole.close)


def _mapped(whole: Reply, data: bytes) -> Reply:
    """Return `data` in place of what `whole` has, at the time of its first byte; nothing when nothing is left."""
    return Reply(((whole.pieces[0][0], data),) if data else (), whole.close)


def _flipped(data: bytes, asked: Asked, draw: Random, bits: int) -> bytes:
    damaged = bytearray(data)
    if asked.wire == "tcp":
        places = [8 * at + bit for at in _TCP_HEADER if at < len(data) for bit in range(8)]
    elif asked.wire == "rtu":
        places = list(range(8 * len(data)))
    else:
        places = [8 * at + 7 for at in range(len(data))]
    for place in draw.sample(places, min(bits, len(places))):
        damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged)
