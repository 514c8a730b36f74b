"""Address texts of the three kinds of wire."""

from __future__ import annotations

import re

import pytest

from drivers.addresses import (
    ModbusAddress,
    circulator_point,
    ezo_field,
    modbus_address,
    mqtt_field,
    sics_point,
)
from drivers.errors import BadAddress
from drivers.link import Point


@pytest.mark.parametrize(
    ("point", "address"),
    [
        (Point("2/ir10", "i16"), ModbusAddress(2, "ir", 10, 1, "i16")),
        (Point("1/ir8", "u32"), ModbusAddress(1, "ir", 8, 2, "u32")),
        (Point("2/hr0:3", "block"), ModbusAddress(2, "hr", 0, 3, "block")),
        (Point("2/co6", "bool"), ModbusAddress(2, "co", 6, 1, "bool")),
    ],
)
def test_modbus(point: Point, address: ModbusAddress) -> None:
    assert modbus_address(point) == address


@pytest.mark.parametrize(
    "point",
    [
        Point("ir10"),
        Point("2/xx10"),
        Point("256/ir0"),
        Point("2/ir65535", "u32"),
        Point("2/co6", "u16"),
        Point("2/hr0:3", "u16"),
        Point("2/hr0:124", "block"),
        Point("2/hr0", "block"),
        Point("2/hr0", "text"),
        Point("2/ir1٣"),
        Point(" 2/ir1"),
    ],
)
def test_wrong_modbus_is_named(point: Point) -> None:
    with pytest.raises(BadAddress, match=r"expected|such as") as caught:
        modbus_address(point)
    assert repr(point.address) in str(caught.value)
    assert re.search(r"2/(ir10|hr0:3|co6)", str(caught.value)), "an example of a right one"


@pytest.mark.parametrize(("address", "field"), [("R", 0), ("R:0", 0), ("R:1", 1)])
def test_ezo(address: str, field: int) -> None:
    assert ezo_field(Point(address, "float")) == field


@pytest.mark.parametrize("point", [Point("RT", "float"), Point("R:", "float"), Point("R:10", "float"), Point("R")])
def test_wrong_ezo_is_named(point: Point) -> None:
    with pytest.raises(BadAddress, match=r"EZO.*R") as caught:
        ezo_field(point)
    assert repr(point.address) in str(caught.value)


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("sensors/room/climate#temperature", ("sensors/room/climate", ("temperature",))),
        ("tele/t/SENSOR#DS18B20.Temperature", ("tele/t/SENSOR", ("DS18B20", "Temperature"))),
        ("<id>/status/temperature:0#tC", ("<id>/status/temperature:0", ("tC",))),
        ("sensors/room/temperature", ("sensors/room/temperature", ())),
    ],
)
def test_mqtt(address: str, field: tuple[str, tuple[str, ...]]) -> None:
    assert mqtt_field(Point(address, "float")) == field


@pytest.mark.parametrize("address", ["#c", "a/+#c", "a/#", "a#", "", "a#c..d", "a#.c", "a/b/", "a/+"])
def test_wrong_mqtt_is_named(address: str) -> None:
    with pytest.raises(BadAddress, match="sensors/room/climate#temperature") as caught:
        mqtt_field(Point(address, "float"))
    assert repr(address) in str(caught.value)


@pytest.mark.parametrize("kind", ["bool", "str", "block"])
def test_a_topic_alone_is_a_number(kind: str) -> None:
    with pytest.raises(BadAddress, match="plain number"):
        mqtt_field(Point("room/temperature", kind))


@pytest.mark.parametrize(("address", "kind"), [("weight", "float"), ("weight_now", "float"), ("tare", "bool")])
def test_balance(address: str, kind: str) -> None:
    assert sics_point(Point(address, kind)) == address
    with pytest.raises(BadAddress, match=f"of kind {kind}"):
        sics_point(Point(address, "u16"))


@pytest.mark.parametrize(("address", "kind"), [("bath", "float"), ("running", "bool"), ("status", "str")])
def test_circulator(address: str, kind: str) -> None:
    assert circulator_point(Point(address, kind)) == address
    with pytest.raises(BadAddress, match=f"of kind {kind}"):
        circulator_point(Point(address, "i16"))


def test_a_point_that_the_instrument_lacks_is_named() -> None:
    with pytest.raises(BadAddress, match="'mass' is no point of a balance: expected weight, weight_now, tare, zero"):
        sics_point(Point("mass", "float"))
    with pytest.raises(BadAddress, match="expected bath, setpoint, running, status"):
        circulator_point(Point("weight", "float"))
