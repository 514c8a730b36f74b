"""What the washer's sensors show: the truth, noise, and whatever defect a sensor has; and the safety contacts.

The PLC filters its inputs, so its program works on values without noise; the wires show them with it. A sensor with a
defect shows both the same value, taken once a step: noise goes in before the defect, for a stuck sensor is quiet.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from types import MappingProxyType

from linectl.sim.defects import Defects
from linectl.sim.noise import noises
from linectl.sim.washer.control import estimated_naoh_pct
from linectl.sim.washer.plan import eight
from linectl.sim.washer.readings import level_pct, pressures_bar, screen_mbar
from linectl.sim.washer.seen import Contact, Seen
from linectl.sim.washer.state import NONE, Eight, WasherInputs, WasherParams, WasherState

__all__ = ["CONTACTS", "SENSORS", "Sensing"]

_US_CM = 1e-3
_NOISE: Mapping[str, float] = MappingProxyType(
    {
        **{f"z{k}.temperature": 0.05 for k in range(8)},
        **{f"z{k}.conductivity": 0.1 for k in (2, 3, 4)},
        "z7.conductivity": 2.0 * _US_CM,
        "z7.ph": 0.01,
        **{f"z{k}.pressure": 0.02 for k in (0, 2, 3, 5, 7)},
        **{f"z{k}.level": 0.1 for k in (1, 2, 3)},
        "fresh.flow": 0.1,
        "chain.torque": 0.5,
        "screen.dp": 0.5,
        "extraction.speed": 0.03,
        "infeed.temperature": 0.3,
    }
)
"""Sensor -> standard deviation of what it shows (E); 0.1 K in all between two probes in one bath."""

SENSORS: tuple[str, ...] = tuple(_NOISE)
"""The sensors, by the names under which `Defects` makes them lie. °C, mS/cm, pH, bar, %, L/min, %, mbar, m/s, °C."""

CONTACTS: Mapping[str, int] = MappingProxyType(
    {
        "contact.estop": Contact.ESTOP,
        "contact.doors": Contact.DOORS,
        "contact.clutch": Contact.CLUTCH,
        "contact.shear_pin": Contact.SHEAR_PIN,
        "contact.steam": Contact.STEAM,
        "contact.mains": Contact.MAINS,
        "contact.outfeed": Contact.OUTFEED,
        "contact.press": Contact.PRESS,
        "contact.chain_thermal": Contact.CHAIN_THERMAL,
        "contact.axial_thermal": Contact.AXIAL_THERMAL,
        "contact.jets_thermal": Contact.JETS_THERMAL,
    }
)
"""Contacts that are sensors too: they show 1 when all is well; less than a half, or a cut wire, is bad."""

FULL_PCT = 100.0
"""The weir is the end of a level sensor's span."""
_GAUGES_S = 5  # in which slow gauges follow; at once when a pump or the fresh water changes
_SD = tuple(_NOISE.values())
_SPANS = tuple(
    (-inf if name.endswith(".temperature") else 0.0, FULL_PCT if name.endswith(".level") else inf) for name in SENSORS
)
"""What a good sensor can show at all: all but temperatures begin at 0, levels end at the weir."""
_PLACE = {name: place for place, name in enumerate(SENSORS)}


class Sensing:
    """The sensors of one washer; `look` once a step, then `shown` as often as asked."""

    def __init__(self, params: WasherParams, seed: int, defects: Defects) -> None:
        self._params = params
        self._seed = seed
        self._defects = defects
        self._pump, self._flow = NONE, -1.0
        self._gauges: list[float] = []
        self._true: list[float] = [0.0] * len(SENSORS)
        self._good: list[float] = self._true  # what each sensor showed last when it showed anything
        self._spoiled: dict[str, float | None] = {}
        self._second = -1
        self._noise: tuple[int, list[float]] = (-1, [])
        self.contacts = 0
        self.compensation_per_k = 0.0170

    def look(
        self,
        state: WasherState,
        did: WasherInputs,
        *,
        inlet_c: float,
        bottles: Eight,
        waiting: int,
        untrue: int,
        second: int,
    ) -> Seen:
        """Take all sensors at a whole `second` of process time; `did` is what acted in the step that ended there."""
        self._second = second
        self._true = values = self._truth(state, did, inlet_c)
        broken: frozenset[str] = frozenset()
        if self._defects.sensors:
            values = values.copy()
            broken = self._spoil(values)
        elif self._spoiled or self.contacts:
            self._spoiled, self.contacts = {}, 0
        self._good = values
        temperature_c = state.probe_c if values is self._true else eight(values[:8])
        c2, c3, c4, c7, ph, p0, p2, p3, p5, p7, l1, l2, l3, flow, torque, dp, fan, inlet = values[8:]
        per_k = self.compensation_per_k
        return Seen(
            temperature_c,
            (c2, c3, c4, c7),
            (estimated_naoh_pct(c2, temperature_c[2], per_k), estimated_naoh_pct(c3, temperature_c[3], per_k)),
            ph,
            (p0, p2, p3, p5, p7),
            (l1, l2, l3),
            flow,
            state.speed_pockets_min,
            torque,
            dp,
            fan,
            inlet,
            state.pockets,
            bottles,
            waiting,
            self.contacts,
            untrue,
            broken,
        )

    def shown(self, name: str) -> float | None:
        """Return what a sensor of `SENSORS` shows on the wires at the second of the last look; None: a broken wire."""
        if name in self._spoiled:
            return self._spoiled[name]
        return self._noisy(_PLACE[name])

    def all_shown(self) -> list[float | None]:
        """Return what `shown` says of each of `SENSORS`, in their order."""
        shown: list[float | None] = [
            value if low <= (value := true + sd * noise) <= high else max(low, min(high, value))
            for true, sd, noise, (low, high) in zip(self._true, _SD, self._noises(), _SPANS, strict=True)
        ]
        for name, spoiled in self._spoiled.items():
            shown[_PLACE[name]] = spoiled
        return shown

    def _noisy(self, place: int) -> float:
        """Return what a good sensor shows: within its span."""
        low, high = _SPANS[place]
        return max(low, min(high, self._true[place] + _SD[place] * self._noises()[place]))

    def _truth(self, state: WasherState, did: WasherInputs, inlet_c: float) -> list[float]:
        flow = did.fresh_l_min
        if did.pump is not self._pump or flow != self._flow or self._second % _GAUGES_S == 0:
            self._pump, self._flow = did.pump, flow
            self._gauges = self._read_gauges(state, did)
        return [
            *state.probe_c,
            *state.conductivity_ms_cm,
            state.ph_final,
            *self._gauges,
            flow,
            state.torque_pct,
            screen_mbar(state, did, self._params),
            state.extraction_m_s,
            inlet_c,
        ]

    def _read_gauges(self, state: WasherState, did: WasherInputs) -> list[float]:
        """Return the pressures of Z0, Z2, Z3, Z5, Z7 and the levels of Z1, Z2, Z3."""
        bar = pressures_bar(state, did, self._params)
        return [
            *(bar[zone] for zone in (0, 2, 3, 5, 7)),
            *(min(FULL_PCT, level_pct(state, self._params, zone)) for zone in (1, 2, 3)),
        ]

    def _spoil(self, values: list[float]) -> frozenset[str]:
        """Let the sensors lie that have a defect; return those that show nothing."""
        spoiled: dict[str, float | None] = {}
        broken, contacts, process_s = [], 0, float(self._second)
        for name in self._defects.sensors:
            if name in CONTACTS:
                says = self._defects.shown(name, 1.0, process_s)
                if says is None or says < 0.5:  # half-way between open and closed
                    contacts |= CONTACTS[name]
                continue
            place = _PLACE.get(name)
            if place is None:
                continue
            shown = self._defects.shown(name, self._noisy(place), process_s)
            spoiled[name] = shown
            if shown is None:
                broken.append(name)
                values[place] = self._good[place]
            else:
                values[place] = shown
        self._spoiled, self.contacts = spoiled, contacts
        return frozenset(broken)

    def _noises(self) -> list[float]:
        """Return this second's noise of all sensors, standard normal: a pure function of seed and second."""
        second, drawn = self._noise
        if second != self._second:
            drawn = noises(f"{self._seed}/washer/{self._second}", len(SENSORS))
            self._noise = (self._second, drawn)
        return drawn
