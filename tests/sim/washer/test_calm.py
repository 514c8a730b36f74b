from __future__ import annotations

from random import Random

from linectl.sim.washer.alarms import ALARMS, WARNINGS, Alarm, Alarms
from linectl.sim.washer.calm import calm
from linectl.sim.washer.seen import Doing, Seen

ASKED_C = (0.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 0.0)
SEEN = Seen(
    (32.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 18.0),
    (110.0, 120.0, 20.0, 0.45),
    (1.5, 1.8),
    7.6,
    (2.0, 1.5, 1.5, 2.0, 2.5),
    (98.0, 98.0, 98.0),
    15.0,
    50.0,
    65.0,
    25.0,
    3.5,
    15.0,
    1000.0,
    (20.0,) * 8,
    100,
    0,
    0,
    frozenset(),
)
ALL_ARMED = int(Alarm.Z3_COLD | Alarm.NAOH_LOW | Alarm.NAOH_HIGH | Alarm.LEVEL | Alarm.ZONE_STEP)
DOING = Doing(ASKED_C, (1.5, 1.8), True, True, 900.0, 900.0, 900.0, 90.0, 30.0, 50.0, 88.0, ALL_ARMED)
CONDITIONS = [row.condition for row in ALARMS if isinstance(row.bit, Alarm)] + [each for _, each in WARNINGS]


def near(chance: Random) -> tuple[Seen, Doing]:
    """Return a scan of which two or three figures are moved, mostly not far."""
    seen, doing = SEEN._asdict(), DOING._asdict()
    for _ in range(chance.choice((1, 1, 2, 3))):
        figures = chance.choice((seen, seen, doing))
        name = chance.choice([each for each in figures if each not in {"bottles", "untrue", "open_contacts"}])
        figures[name] = moved(name, figures[name], chance)
    return Seen(**seen), Doing(**doing)


def moved(name: str, value: object, chance: Random) -> object:
    if name == "broken":
        return frozenset({"z3.temperature"})
    if name == "armed":
        return ALL_ARMED & chance.getrandbits(16)
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        place = chance.randrange(len(value))
        return (*value[:place], moved("", value[place], chance), *value[place + 1 :])
    assert isinstance(value, int | float)
    return value * chance.choice((0.0, 0.7, 0.9, 1.0, 1.1, 1.3, 3.0, 10.0)) + chance.uniform(-0.3, 0.3)


def test_where_all_is_calm_no_condition_is_met() -> None:
    chance = Random(1)
    calms = alarmed = 0
    for _ in range(20_000):
        seen, doing = near(chance)
        met = any(condition(seen, doing) for condition in CONDITIONS)
        calms += calm(seen, doing)
        alarmed += met
        assert not (met and calm(seen, doing)), (seen, doing)
    assert calms > 5000
    assert alarmed > 3000


def test_each_condition_alone_disturbs_the_calm() -> None:
    assert calm(SEEN, DOING)
    chance, missing = Random(2), set(range(len(CONDITIONS)))
    for _ in range(20_000):
        seen, doing = near(chance)
        met = [number for number, condition in enumerate(CONDITIONS) if condition(seen, doing)]
        missing -= set(met)
    assert [ALARMS[number].bit for number in missing] == [Alarm.WATCHDOG], "raised at its own moment, not by a scan"


def test_a_cause_that_goes_in_a_calm_scan_is_forgotten() -> None:
    hot = SEEN._replace(temperature_c=(32.0, 45.0, 62.0, 88.5, 60.0, 50.0, 38.0, 18.0))
    alarms = Alarms()
    for _ in range(4):
        alarms.scan(hot, DOING, 1.0, calm=calm(hot, DOING))
    alarms.scan(SEEN, DOING, 1.0, calm=calm(SEEN, DOING))
    for _ in range(5):
        alarms.scan(hot, DOING, 1.0, calm=calm(hot, DOING))
    assert not alarms, "not five seconds in one go"
    alarms.scan(hot, DOING, 1.0, calm=calm(hot, DOING))
    assert alarms.word_1 == Alarm.Z3_HOT
    alarms.scan(SEEN, DOING, 1.0, calm=calm(SEEN, DOING))
    assert alarms.standing_1 == 0
    assert alarms.word_1 == Alarm.Z3_HOT, "latched"
