"""Sensors that publish over MQTT in their makers' own dialects: what each says and when, without I/O.

A Tasmota node in the hall (`tele/hall/SENSOR` and `STATE` each 300 s, `LWT`), a Shelly Plus H&T at the dock
(`NotifyFullStatus` each hour, `NotifyStatus` of what has changed), a Zigbee thermometer in the store room behind
Zigbee2MQTT (on a change of 0.2 K or 1 %, each hour at least), and the camera behind the washer, which counts rejected
bottles lot by lot in plain JSON (on a change, each five minutes at least). The forms are those of
`drivers.frames.mqtt_forms`. They speak seldom, by process time: none costs more than a wake-up in half a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import floor, inf, pi, sin
from typing import Protocol

from drivers.frames.payload import Json
from drivers.settings import MqttSource
from linectl.clock.wall import Clock
from linectl.sim.noise import noise
from linectl.sim.wires.messages import Spoken
from linectl.units import NS_PER_S

__all__ = ["SOURCES", "Dock", "Hall", "Inspector", "Store", "Voice", "VoiceTicker"]

SOURCES: Mapping[str, MqttSource] = {
    "hall": MqttSource("hall", "tasmota", 300.0),
    "dock": MqttSource("shellyplusht-dock", "shelly", 3600.0),
    "store": MqttSource("zigbee2mqtt/store", "zigbee2mqtt", 3600.0),
    "inspector": MqttSource("washer/inspector", "json", 300.0),
}
"""How a line reads each of them: the form, the base topic, and the longest silence (s of process time)."""

_TELE_S = 300.0
_SHELLY_S = 60.0
_SHELLY_K = 0.5  # a change that a Shelly H&T thinks worth a message
_LOOK_S = 30.0
_INSPECTED_S = 300.0
_HOUR_S = 3600.0
_ZIGBEE_K = 0.2
_ZIGBEE_PCT = 1.0
_DAY_S = 86_400.0
_SLACK_S = 1e-6
_OTHER: dict[str, Json] = {"other_total": 0}  # this camera looks for labels alone: what it rejects, it rejects for them


class Voice(Protocol):
    """One sensor that speaks by itself."""

    def due_s(self) -> float:
        """Return the process time at which it looks next whether it has something to say, s."""

    def say(self, process_s: float, now_ns: int) -> Sequence[Spoken]:
        """Return what it says at `process_s`, when the wall shows `now_ns`."""

    def forget(self) -> None:
        """Say everything again."""


class _Periodic:
    """What speaks, or at least looks, at its own period from the start of the process on."""

    period_s = _LOOK_S

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._next_s = 0.0
        self._new = True

    def due_s(self) -> float:
        """Return the process time at which it looks next, s."""
        return self._next_s

    def forget(self) -> None:
        """Say everything again."""
        self._next_s, self._new = 0.0, True

    def _taken(self, process_s: float) -> bool:
        """Note that it looks now; return whether it speaks to a new broker."""
        self._next_s = (floor(process_s / self.period_s + _SLACK_S) + 1.0) * self.period_s
        new, self._new = self._new, False
        return new

    def _shown(self, what: str, mean: float, swing: float, process_s: float, sd: float) -> float:
        """Return a quantity that follows the day: `mean` and `swing` over 24 h, and noise of `sd`."""
        second = floor(process_s)
        return mean + swing * sin(2.0 * pi * second / _DAY_S) + noise(self.seed, what, second, sd)


class Hall(_Periodic):
    """A Tasmota node with an SI7021, beside the washer."""

    period_s = _TELE_S

    def say(self, process_s: float, now_ns: int) -> Sequence[Spoken]:
        """Return SENSOR and STATE; to a new broker first that it is online."""
        said: list[Spoken] = [("tele/hall/LWT", "Online")] if self._taken(process_s) else []
        climate: dict[str, Json] = {
            "Temperature": round(self._shown("hall temperature", 22.0, 1.5, process_s, 0.05), 1),
            "Humidity": round(self._shown("hall humidity", 55.0, 5.0, process_s, 0.3), 1),
        }
        stamp = f"{_moment(now_ns):%Y-%m-%dT%H:%M:%S}"
        sensor: dict[str, Json] = {"Time": stamp, "SI7021": climate, "TempUnit": "C"}
        state: dict[str, Json] = {"Time": stamp, "UptimeSec": floor(process_s), "Wifi": {"RSSI": 72}}
        return [*said, ("tele/hall/SENSOR", sensor), ("tele/hall/STATE", state)]


class Dock(_Periodic):
    """A Shelly Plus H&T at the loading dock: all it has at first, then what has changed."""

    period_s = _SHELLY_S

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._said: dict[str, float] = {}
        self._full_s = 0.0

    def say(self, process_s: float, now_ns: int) -> Sequence[Spoken]:
        """Return what is new, perhaps nothing."""
        new = self._taken(process_s)
        full = new or process_s - self._full_s >= _HOUR_S - _SLACK_S
        self._full_s = process_s if full else self._full_s
        shown = {
            "temperature:0": round(self._shown("dock temperature", 12.0, 4.0, process_s, 0.05), 1),
            "humidity:0": round(self._shown("dock humidity", 70.0, 8.0, process_s, 0.3), 1),
        }
        changed = {k: v for k, v in shown.items() if full or abs(v - self._said.get(k, inf)) >= _SHELLY_K}
        if not changed:
            return []
        self._said.update(changed)
        params: dict[str, Json] = {"ts": round(now_ns / NS_PER_S, 2)}
        params |= {component: _shelly(component, value) for component, value in changed.items()}
        method = "NotifyFullStatus" if full else "NotifyStatus"
        topic = "shellyplusht-dock"
        note: dict[str, Json] = {"src": topic, "dst": f"{topic}/events", "method": method, "params": params}
        said: list[Spoken] = [(f"{topic}/online", "true")] if new else []
        return [*said, (f"{topic}/events/rpc", note)]


class Store(_Periodic):
    """A Zigbee thermometer in the store room: on a change, and each hour."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._said: tuple[float, float, float] | None = None  # °C, %, when (process s)

    def say(self, process_s: float, now_ns: int) -> Sequence[Spoken]:
        """Return a reading when it is worth one."""
        new = self._taken(process_s)
        temperature_c = round(self._shown("store temperature", 14.0, 1.0, process_s, 0.02), 2)
        humidity_pct = round(self._shown("store humidity", 65.0, 3.0, process_s, 0.1), 2)
        before = self._said
        if not new and before is not None:
            still = abs(temperature_c - before[0]) < _ZIGBEE_K and abs(humidity_pct - before[1]) < _ZIGBEE_PCT
            if still and process_s - before[2] < _HOUR_S - _SLACK_S:
                return []
        self._said = (temperature_c, humidity_pct, process_s)
        reading: dict[str, Json] = {
            "battery": 97,
            "humidity": humidity_pct,
            "last_seen": f"{_moment(now_ns):%Y-%m-%dT%H:%M:%S}+00:00",
            "linkquality": 90,
            "temperature": temperature_c,
        }
        present: Spoken = ("zigbee2mqtt/store/availability", '{"state":"online"}')
        bridge: Spoken = ("zigbee2mqtt/bridge/state", '{"state":"online"}')
        return [bridge, present, ("zigbee2mqtt/store", reading)] if new else [("zigbee2mqtt/store", reading)]


class Inspector(_Periodic):
    """The camera behind the washer: bottles of each lot that it saw and rejected, on a change and each five minutes.

    `counts` gives (bottles seen, rejected) by lot at the present of the process. When nothing changes it repeats the
    lot it spoke of last; before the first it counts for a lot without a name.
    """

    def __init__(self, seed: int, counts: Callable[[], Mapping[str, tuple[int, int]]]) -> None:
        super().__init__(seed)
        self._counts = counts
        self._said: dict[str, tuple[int, int]] = {}
        self._last, self._last_s = "", 0.0
        self._seq = 0

    def say(self, process_s: float, now_ns: int) -> Sequence[Spoken]:
        """Return a message for each lot whose counts have changed, or for the last one when it is time."""
        if self._taken(process_s):
            self._said.clear()
        counts = self._counts()
        new = [lot for lot, count in counts.items() if self._said.get(lot) != count]
        if not new and (not self._said or process_s - self._last_s >= _INSPECTED_S - _SLACK_S):
            new = [self._last]
        return [self._counted(lot, counts.get(lot, (0, 0)), process_s, now_ns) for lot in new]

    def _counted(self, lot: str, count: tuple[int, int], process_s: float, now_ns: int) -> Spoken:
        self._said[lot], self._last, self._last_s = count, lot, process_s
        self._seq += 1
        seen, rejected = count
        stamp = f"{_moment(now_ns):%Y-%m-%dT%H:%M:%S}Z"
        counted: dict[str, Json] = {
            "lot": lot,
            "bottles": seen,
            "rejected": rejected,
            **_OTHER,
            "seq": self._seq,
            "ts": stamp,
        }
        return "washer/inspector", counted


class VoiceTicker:
    """Wakes each voice at its time, and nothing in between."""

    def __init__(self, voices: Sequence[Voice], clock: Clock) -> None:
        self._voices = tuple(voices)
        self._clock = clock

    def __repr__(self) -> str:
        """Return who speaks."""
        return f"<VoiceTicker {', '.join(type(voice).__name__ for voice in self._voices)}>"

    def forget(self) -> None:
        """Say everything again: the broker is a new one, or was away."""
        for voice in self._voices:
            voice.forget()

    async def next(self) -> Sequence[Spoken]:
        """Wait until the first of the voices is due; return what all that are due say, perhaps nothing."""
        due_s = min(voice.due_s() for voice in self._voices)
        await self._clock.sleep_until(due_s)
        process_s, now_ns = self._clock.process_s(), self._clock.now_ns()
        said: list[Spoken] = []
        for voice in self._voices:
            if voice.due_s() <= process_s + _SLACK_S:
                said += voice.say(process_s, now_ns)
        return said


def _shelly(component: str, value: float) -> dict[str, Json]:
    if component.startswith("temperature"):
        return {"id": 0, "tC": value, "tF": round(value * 1.8 + 32.0, 1)}
    return {"id": 0, "rh": value}


def _moment(now_ns: int) -> datetime:
    return datetime.fromtimestamp(now_ns // NS_PER_S, UTC)
