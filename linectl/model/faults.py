"""Faults and scenarios of the simulated plant as data: what can break, where, how much, and when.

The catalogue says for each kind where it can be and what it takes; the simulator carries it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from linectl.model.fault_words import counted_things, group_name, kind_meaning, parameter_meaning

__all__ = [
    "BATH_SENSORS",
    "INSTRUMENTS",
    "KINDS",
    "SENSORS",
    "WASHER_SENSORS",
    "FaultKind",
    "FaultOrder",
    "Parameter",
    "Scenario",
    "machine_of",
]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One figure that a kind of fault takes; its name ends in its unit, where it has one.

    `words` are names that people write in place of a number, such as a glue for its code.
    """

    name: str
    low: float
    high: float
    unit: str = ""
    default: float | None = None  # None: it must be given
    words: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def meaning(self) -> str:
        """What it says, in the language of the face."""
        return parameter_meaning(self.name)


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault: `targets` are what it can be ordered for, exactly one of them (none: it has no target).

    `counts` names what an order's `count` counts (replies, readings ...), empty where a count means nothing. `lasts_s`
    is how long it lasts when nothing is said (None: until it is cleared). `on_wires` kinds are about bytes: a rig in
    memory has none.
    """

    name: str
    group: str  # wire, plc, serial, broker, sensor, process, bottles
    targets: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    counts: str = ""
    lasts_s: float | None = None
    on_wires: bool = False

    @property
    def meaning(self) -> str:
        """What happens under it, in the language of the face."""
        return kind_meaning(self.name)

    @property
    def group_name(self) -> str:
        """Its group, in the language of the face."""
        return group_name(self.group)

    @property
    def counted(self) -> str:
        """What an order's `count` counts, in the language of the face; empty where a count means nothing."""
        return counted_things(self.counts) if self.counts else ""

    def parameter(self, name: str) -> Parameter | None:
        """Return the figure called `name`, None when the kind takes none."""
        return next((each for each in self.parameters if each.name == name), None)


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """One fault of a timeline: from `at_s` of process time on, for `for_s` (None: until cleared), or `count` times.

    `when` starts it at the first moment after `at_s` at which a reading meets a condition, such as
    `z3.temperature > 70`. `place` is where it stands (file, line, column).
    """

    kind: str
    target: str = ""
    at_s: float = 0.0
    for_s: float | None = None
    count: int | None = None
    when: str = ""
    values: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    place: tuple[str, int, int] = ("", 1, 1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A timeline of faults on a simulated line, with the state it starts from and how long it goes.

    `places` tells where the parts of its file stand (file, line, column), as people write them: `lots[0].glue`.
    """

    name: str
    line: str  # its line file
    duration_s: float
    faults: tuple[FaultOrder, ...]
    seed: int = 1
    initial: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    lots: tuple[Mapping[str, str | float], ...] = ()  # what is fed to the washer, in this order
    recipe: str = ""  # the washer's
    description: str = ""
    source: str = ""
    file_hash: str = ""
    places: Mapping[str, tuple[str, int, int]] = field(default_factory=lambda: MappingProxyType({}), compare=False)


BATH_SENSORS = ("bath.temperature", "bath.controller_temperature", "bath.conductivity", "bath.level")
WASHER_SENSORS = (
    *(f"z{zone}.temperature" for zone in range(8)),
    *(f"z{zone}.conductivity" for zone in (2, 3, 4, 7)),
    "z7.ph",
    *(f"z{zone}.pressure" for zone in (0, 2, 3, 5, 7)),
    *(f"z{zone}.level" for zone in (1, 2, 3)),
    "infeed.temperature",
    "fresh.flow",
    "chain.torque",
    "screen.dp",
    "extraction.speed",
)
SENSORS = (*BATH_SENSORS, *WASHER_SENSORS)
"""What can lie, and what a `when` can ask for, by the name under which the plant knows it."""

_MODBUS = ("plc", "washer")  # the bath's PLC, the washer's
INSTRUMENTS = ("rtd", "ec", "ph", "balance", "circulator")
"""The serial instruments that a rig can have, by their links."""
_LINKS = (*_MODBUS, *INSTRUMENTS, "sensors")
_CONDUCTIVITIES = tuple(name for name in SENSORS if name.endswith(".conductivity"))
_TEMPERATURES = tuple(name for name in SENSORS if name.endswith("temperature"))
_HEATED = ("bath", *(f"z{zone}" for zone in range(1, 7)))
_PUMPED = ("bath", "z0", *(f"z{zone}" for zone in range(2, 7)))
_DOSED = ("bath", "z2", "z3")
_VALVES = ("bath.fill", "bath.drain", "fresh", "recirculation")
_CONTACTORS = ("chain", "axial", "jets")
_GLUES = MappingProxyType({"casein": 1.0, "starch": 2.0, "pvoh": 3.0, "psa": 4.0, "permanent": 5.0})
_MACHINES = ("bath", "washer")
_CONTACTS = (
    "estop",
    "doors",
    "clutch",
    "shear_pin",
    "steam",
    "mains",
    "outfeed",
    "press",
    "chain_thermal",
    "axial_thermal",
    "jets_thermal",
)

_SHARE = Parameter("share", 0.0, 1.0, "", 1.0)


def _wire(
    name: str, *parameters: Parameter, targets: tuple[str, ...] = _LINKS, counts: str = "replies", group: str = "wire"
) -> FaultKind:
    return FaultKind(name, group, targets, parameters, counts=counts)


def _sensor(name: str, *parameters: Parameter, targets: tuple[str, ...] = SENSORS) -> FaultKind:
    return FaultKind(name, "sensor", targets, parameters)


_WIRE_KINDS = (
    _wire("reply_late", Parameter("delay_s", 0.0, 3600.0, "s", 1.0), _SHARE),
    _wire("reply_dropped", _SHARE),
    _wire("reply_duplicated", _SHARE),
    _wire("reply_garbled", _SHARE),
    _wire("reply_truncated", Parameter("keep", 0.0, 1.0, "", 0.5), _SHARE),
    _wire("slow_reply", Parameter("byte_s", 0.001, 60.0, "s", 0.1), _SHARE),
    _wire("half_open", counts=""),
    _wire("modbus_exception", Parameter("code", 1, 11, "", 4), _SHARE, targets=_MODBUS),
    _wire("wrong_word_order", targets=(), counts=""),
    FaultKind("unit_gone", "wire", _MODBUS),
)
_SERIAL_KINDS = (
    FaultKind("serial_unplugged", "serial", INSTRUMENTS),
    _wire("serial_noise", Parameter("bytes", 1, 250, "", 8), _SHARE, targets=INSTRUMENTS, group="serial"),
    _wire(
        "serial_partial_lines", Parameter("delay_s", 0.0, 60.0, "s", 0.5), _SHARE, targets=INSTRUMENTS, group="serial"
    ),
    FaultKind("instrument_reboot", "serial", INSTRUMENTS, lasts_s=1.0, on_wires=True),
)
_BROKER_KINDS = (
    FaultKind("broker_restart", "broker", lasts_s=3.0),
    FaultKind("broker_frozen", "broker"),
    FaultKind("retained_garbage", "broker", on_wires=True),
    FaultKind("clock_skew", "broker", parameters=(Parameter("offset_s", -86_400.0, 86_400.0, "s", 3600.0),)),
)
_PLC_KINDS = (
    FaultKind("plc_reboot", "plc", lasts_s=5.0),
    FaultKind("plc_watchdog", "plc", _MACHINES, (Parameter("after_s", 0.0, 60.0, "s", 0.1),)),
    FaultKind("plc_compensation", "plc", parameters=(Parameter("per_k", 0.1, 10.0, "%/K", 2.0),)),
    FaultKind("contact_open", "plc", _CONTACTS),
)
_SENSOR_KINDS = (
    _sensor("sensor_stuck"),
    _sensor("sensor_drift", Parameter("per_h", -1000.0, 1000.0)),
    FaultKind(
        "sensor_spike",
        "sensor",
        SENSORS,
        (
            Parameter("size", -10_000.0, 10_000.0),
            Parameter("every_s", 1.0, 86_400.0, "s", 60.0),
            Parameter("lasts_s", 1.0, 3600.0, "s", 2.0),
        ),
        counts="spikes",
    ),
    _sensor("sensor_offset", Parameter("by", -1000.0, 1000.0)),
    _sensor("sensor_dead"),
    _sensor(
        "wrong_compensation",
        Parameter("per_k", 0.1, 10.0, "%/K", 2.0),
        Parameter("to_c", 0.0, 100.0, "°C", 25.0),
        targets=_CONDUCTIVITIES,
    ),
    _sensor(
        "probe_out_of_bath",
        Parameter("air_c", -20.0, 60.0, "°C", 20.0),
        Parameter("lag_s", 1.0, 3600.0, "s", 60.0),
        targets=_TEMPERATURES,
    ),
)
_PROCESS_KINDS = (
    FaultKind("heater_failed_on", "process", _HEATED),
    FaultKind("heater_failed_off", "process", _HEATED),
    FaultKind("heater_weak", "process", _HEATED, (Parameter("power", 0.0, 1.0, "", 0.5),)),
    FaultKind("pump_failed", "process", _PUMPED),
    FaultKind("dosing_failed", "process", _DOSED, (Parameter("flow", 0.0, 1.0, "", 0.0),)),
    FaultKind("dosing_stuck_on", "process", _DOSED),
    FaultKind("valve_stuck", "process", _VALVES, (Parameter("at", 0.0, 1.0, "", 0.0),)),
    FaultKind("contactor_open", "process", _CONTACTORS),
    FaultKind("extraction_failed", "process", parameters=(Parameter("flow", 0.0, 1.0, "", 0.0),)),
    FaultKind("chain_jam", "process"),
    FaultKind("screen_clogged", "process", parameters=(Parameter("fibre_kg", 0.1, 1000.0, "kg", 20.0),)),
)
_BOTTLE_KINDS = (
    FaultKind("cold_bottles", "bottles", parameters=(Parameter("by_k", 0.0, 40.0, "K", 15.0),)),
    FaultKind("wrong_glue_lot", "bottles", parameters=(Parameter("glue", 1, 5, "", 4, _GLUES),)),
)

KINDS: Mapping[str, FaultKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            *_WIRE_KINDS,
            *_SERIAL_KINDS,
            *_BROKER_KINDS,
            *_PLC_KINDS,
            *_SENSOR_KINDS,
            *_PROCESS_KINDS,
            *_BOTTLE_KINDS,
        )
    }
)
"""The catalogue: every kind of fault that the simulator can carry out, by its name."""

_OF_THE_WASHER = frozenset(
    {
        "plc_compensation",
        "contact_open",
        "contactor_open",
        "extraction_failed",
        "chain_jam",
        "screen_clogged",
        "cold_bottles",
        "wrong_glue_lot",
        "wrong_word_order",
    }
)
_OF_THE_BATH = frozenset({"plc", *INSTRUMENTS})


def machine_of(kind: str, target: str = "") -> str:
    """Return which machine a fault is about: `bath`, `washer`, or empty when it can be either's or the wires'."""
    if kind in _OF_THE_WASHER:
        return "washer"
    zone = target.partition(".")[0]
    if zone == "bath" or target in _OF_THE_BATH:
        return "bath"
    if (
        zone in {"washer", "fresh", "recirculation"}
        or target in WASHER_SENSORS
        or (zone[:1] == "z" and zone[1:].isdigit())
    ):
        return "washer"
    return ""
