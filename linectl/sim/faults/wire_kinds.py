"""Faults of wires: each is an ill of its link, which acts on the bytes of the wire and on the link in memory alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from linectl.sim.faults.acts import Act, Begin, Undo
from linectl.sim.washer.registers import WASHER_UNIT
from linectl.sim.wires import ills
from linectl.sim.wires.trouble import Asked, Ill, Reply

__all__ = ["WIRE_KINDS"]

_WIDE = (("ir", 8, 2), ("ir", 50, 10))
"""Where the washer has 32-bit values: table, first register, count."""


def _on_link(act: Act, *made: Ill, link: str = "") -> Undo:
    """Let ills act on `link`, else on the one that is struck; return what ends them."""
    trouble = act.rig.troubles[link or act.target]
    added = [trouble.add(_counted(ill, act.struck)) for ill in made]

    def end() -> None:
        for ill in added:
            trouble.remove(ill)

    return end


def _counted(ill: Ill, struck: Callable[[], bool]) -> Ill:
    """Return `ill`, telling each exchange that it changed."""

    def before(asked: Asked, draw: Random) -> int:
        assert ill.before is not None
        said = ill.before(asked, draw)
        if said:
            struck()
        return said

    def reply(whole: Reply, asked: Asked, draw: Random) -> Reply:
        assert ill.reply is not None
        made = ill.reply(whole, asked, draw)
        if made is not whole:
            struck()
        return made

    return replace(ill, before=before if ill.before else None, reply=reply if ill.reply else None)


def _ill(make: Callable[[Mapping[str, float]], Ill]) -> Begin:
    return lambda act: _on_link(act, make(act.values))


def _swapped(act: Act) -> Undo:
    return _on_link(act, *(ills.swapped_words(*where, unit=WASHER_UNIT) for where in _WIDE), link="washer")


WIRE_KINDS: Mapping[str, Begin] = {
    "reply_late": _ill(lambda v: ills.late(v["delay_s"], share=v["share"])),
    "reply_dropped": _ill(lambda v: ills.drop(v["share"])),
    "reply_duplicated": _ill(lambda v: ills.duplicate(v["share"])),
    "reply_garbled": _ill(lambda v: ills.garble(v["share"])),
    "reply_truncated": _ill(lambda v: ills.truncate(v["share"], v["keep"])),
    "slow_reply": _ill(lambda v: ills.slow(v["byte_s"], share=v["share"])),
    "half_open": _ill(lambda _v: ills.half_open()),
    "modbus_exception": _ill(lambda v: ills.exception(round(v["code"]), share=v["share"])),
    "wrong_word_order": _swapped,
    "unit_gone": _ill(lambda _v: ills.unit_gone()),
    "serial_noise": _ill(lambda v: ills.noise(v["share"], round(v["bytes"]))),
    "serial_partial_lines": _ill(lambda v: _halves(v["delay_s"], v["share"])),
}


def _halves(delay_s: float, share: float) -> Ill:
    """Return an ill that sends a `share` of the replies in two halves, `delay_s` between them."""

    def reply(whole: Reply, _asked: Asked, draw: Random) -> Reply:
        if draw.random() >= share or len(whole.data) < 2:
            return whole
        (first_s, _piece), *_rest = whole.pieces
        half = len(whole.data) // 2
        return Reply(((first_s, whole.data[:half]), (delay_s, whole.data[half:])), whole.close)

    return Ill("halves", reply=reply)
