from __future__ import annotations

import ast
import inspect

import pytest

from linectl.model import fault_words
from linectl.model.fault_checks import Condition, condition, figure_of, mistakes, with_defaults
from linectl.model.faults import BATH_SENSORS, KINDS, SENSORS, WASHER_SENSORS, FaultOrder, machine_of
from linectl.sim.faults.kinds import BEGIN
from linectl.sim.washer.sensing import CONTACTS
from linectl.sim.washer.sensing import SENSORS as OF_THE_WASHER


def test_what_is_named_is_carried_out_and_nothing_else() -> None:
    assert set(KINDS) == set(BEGIN)
    assert len(KINDS) >= 32
    assert set(WASHER_SENSORS) == set(OF_THE_WASHER)
    assert {f"contact.{each}" for each in KINDS["contact_open"].targets} == set(CONTACTS)
    assert (*BATH_SENSORS, *WASHER_SENSORS) == SENSORS


def test_every_kind_and_every_figure_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert all(kind.meaning for kind in KINDS.values())
    assert all(each.meaning for kind in KINDS.values() for each in kind.parameters)
    tree = ast.parse(inspect.getsource(fault_words))
    told = {
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    figures = {each.name for kind in KINDS.values() for each in kind.parameters}
    groups = {kind.group_name and kind.group for kind in KINDS.values()}
    counts = {kind.counted and kind.counts for kind in KINDS.values()} - {""}
    assert told == set(KINDS) | figures | groups | counts


def test_a_default_is_within_its_range() -> None:
    for kind in KINDS.values():
        for each in kind.parameters:
            assert each.low < each.high
            assert each.default is None or each.low <= each.default <= each.high, (kind.name, each.name)
            assert all(each.low <= value <= each.high for value in each.words.values())


def test_every_kind_can_be_ordered_as_the_catalogue_says() -> None:
    for kind in KINDS.values():
        values = {each.name: (each.low + each.high) / 2 for each in kind.parameters}
        for target in kind.targets or ("",):
            order = FaultOrder(kind.name, target, values=values)
            assert mistakes(order) == []
            assert with_defaults(order) == values


def wrong(order: FaultOrder, machines: tuple[str, ...] = ("bath", "washer")) -> dict[str, str]:
    return {each.key: each.message for each in mistakes(order, machines)}


@pytest.mark.parametrize(
    ("order", "key", "said"),
    [
        (FaultOrder("plc_rebot"), "fault", "did you mean `plc_reboot`"),
        (FaultOrder("nonsense"), "fault", "sensor_stuck"),  # the whole list
        (FaultOrder("heater_weak", "z9"), "target", "z3"),
        (FaultOrder("heater_weak"), "target", "bath"),
        (FaultOrder("broker_restart", "plc"), "target", "no target"),
        (FaultOrder("sensor_offset", "bath.level"), "fault", "by"),  # by how much must be said
        (FaultOrder("heater_weak", "bath", values={"power": 2.0}), "power", "0 to 1"),
        (FaultOrder("heater_weak", "bath", values={"power": -0.1}), "power", "0 to 1"),
        (FaultOrder("heater_weak", "bath", values={"power": float("nan")}), "power", "0 to 1"),
        (FaultOrder("heater_weak", "bath", values={"pover": 0.5}), "pover", "did you mean `power`"),
        (FaultOrder("plc_reboot", at_s=-1.0), "at", "0 s or later"),
        (FaultOrder("plc_reboot", at_s=float("inf")), "at", "inf"),
        (FaultOrder("plc_reboot", for_s=0.0), "for", "above 0 s"),
        (FaultOrder("plc_reboot", count=3), "count", "not counted"),
        (FaultOrder("reply_dropped", "plc", count=0), "count", "replies"),
        (FaultOrder("chain_jam", when="z3.temperature is high"), "when", "expected"),
        (FaultOrder("chain_jam", when="z8.temperature > 70"), "when", "z3.temperature"),
    ],
)
def test_a_mistake_names_its_key_and_what_is_allowed(order: FaultOrder, key: str, said: str) -> None:
    assert said in wrong(order)[key]


def test_a_line_without_a_washer_takes_no_fault_of_one() -> None:
    assert "washer" in wrong(FaultOrder("chain_jam"), ("bath",))["fault"]
    assert "bath" in wrong(FaultOrder("heater_weak", "z3"), ("bath",))["target"]
    assert "z3" in wrong(FaultOrder("heater_weak", "bath"), ("washer",))["target"]
    assert "bath.temperature" in wrong(FaultOrder("plc_reboot", when="z3.temperature > 7"), ("bath",))["when"]
    assert wrong(FaultOrder("heater_weak", "bath"), ("bath",)) == {}


def test_conditions() -> None:
    assert condition("z3.temperature > 70") == Condition("z3.temperature", ">", 70.0)
    assert condition(" bath.level<=-1.5 ") == Condition("bath.level", "<=", -1.5)
    assert condition("z3.temperature = 70") is None
    above = Condition("z3.temperature", ">", 70.0)
    assert (above.holds(70.1), above.holds(70.0), above.holds(None)) == (True, False, False)


def test_a_glue_is_written_as_a_word() -> None:
    kind = KINDS["wrong_glue_lot"]
    assert figure_of(kind, "glue", "psa") == 4.0
    assert figure_of(kind, "glue", "tape") is None
    assert figure_of(kind, "glue", 2) == 2.0


def test_machines() -> None:
    assert machine_of("chain_jam") == machine_of("heater_weak", "z3") == machine_of("valve_stuck", "fresh") == "washer"
    assert machine_of("sensor_stuck", "screen.dp") == machine_of("unit_gone", "washer") == "washer"
    assert machine_of("sensor_stuck", "bath.level") == machine_of("valve_stuck", "bath.drain") == "bath"
    assert machine_of("reply_late", "sensors") == machine_of("plc_reboot") == ""
