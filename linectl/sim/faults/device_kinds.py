"""Faults of whole devices: PLCs, serial instruments, the broker and what it keeps, the sensors' own clock."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from linectl.sim.bath.registers import PLC_UNIT
from linectl.sim.bath.sensors import CLIMATE_TOPIC, label_topic
from linectl.sim.faults.acts import Act, Begin, Undo
from linectl.sim.faults.overlap import instead, while_any
from linectl.sim.faults.readings import defects_of
from linectl.sim.rig import Rig
from linectl.sim.washer.registers import WASHER_UNIT

__all__ = ["DEVICE_KINDS"]

_GARBAGE: tuple[tuple[str, bytes], ...] = (
    (CLIMATE_TOPIC, b'{"temperature": 85.0, "humidity": 1e999, "seq": 1, "ts": "1999-12-31T23:59:59.000Z"}'),
    (label_topic(1), b'{"position": 1, "attached": '),
    (label_topic(2), b"\xff\xfe\x00 not even text"),
    ("sensors/camera/label/999", b"[" * 200),
)
"""What lies on the broker since nobody knows when: a lie, a half message, no text at all, a topic of nobody."""


def _nothing() -> None:
    """Undo nothing: what began ended by itself."""


def _power_cut(act: Act) -> Undo:
    """Cut the cabinet's power: the programs stop with all they drive, and nothing answers until it is back."""
    rig = act.rig
    units = (PLC_UNIT, WASHER_UNIT) if rig.has_washer else (PLC_UNIT,)

    def begin() -> None:
        for unit in units:
            rig.reboot_plc(unit)
        act.later(cut)

    async def cut() -> None:
        await rig.stop_modbus()
        _forget(rig, units)  # a heartbeat that came before the wires were dead

    def end() -> None:
        _forget(rig, units)  # as it powers up: nothing of what passed meanwhile
        act.later(rig.start_modbus)

    return while_any(rig, "power", begin, end)


def _forget(rig: Rig, units: tuple[int, ...]) -> None:
    """Restart programs once more, as part of the same boot."""
    for unit in units:
        plc = rig.plc if unit == PLC_UNIT else rig.washer.plc
        plc.boots -= 1
        rig.reboot_plc(unit)


def _watchdog(act: Act) -> Undo:
    plc = act.rig.twin.plc if act.target == "bath" else act.rig.washer.plc
    put_back = instead(plc, "watchdog_s", act.values["after_s"])
    plc.host.watchdog_s = plc.watchdog_s

    def end() -> None:
        put_back()
        plc.host.watchdog_s = plc.watchdog_s

    return end


def _compensation(act: Act) -> Undo:
    return instead(act.rig.washer.sensing, "compensation_per_k", 1e-2 * act.values["per_k"])


def _open(act: Act) -> Undo:
    return act.rig.washer.defects.spoil(f"contact.{act.target}", lambda _closed, _process_s: 0.0)


def _unplugged(act: Act) -> Undo:
    rig, name = act.rig, act.target
    return while_any(rig, f"unplug {name}", partial(rig.unplug, name), partial(rig.replug, name))


def _rebooted(act: Act) -> Undo:
    act.rig.reboot_instrument(act.target)
    return _nothing


def _broker_down(act: Act) -> Undo:
    rig = act.rig
    return while_any(rig, "broker", partial(act.later, rig.stop_broker), partial(act.later, rig.start_broker))


def _broker_frozen(act: Act) -> Undo:
    return while_any(act.rig, "freeze", act.rig.freeze_broker, act.rig.thaw_broker)


def _retained(act: Act) -> Undo:
    for topic, payload in _GARBAGE:
        act.rig.retain(topic, payload)

    def end() -> None:
        for topic, _payload in _GARBAGE:
            act.rig.retain(topic, b"")

    return end


def _skewed(act: Act) -> Undo:
    by_s = act.values["offset_s"]
    return defects_of(act.rig, "bath").spoil("sensors.clock", lambda ahead_s, _process_s: ahead_s + by_s)


DEVICE_KINDS: Mapping[str, Begin] = {
    "plc_reboot": _power_cut,
    "plc_watchdog": _watchdog,
    "plc_compensation": _compensation,
    "contact_open": _open,
    "serial_unplugged": _unplugged,
    "instrument_reboot": _rebooted,
    "broker_restart": _broker_down,
    "broker_frozen": _broker_frozen,
    "retained_garbage": _retained,
    "clock_skew": _skewed,
}
