from __future__ import annotations

from collections import Counter

from linectl.sim.washer.registers import (
    COILS,
    DISCRETES,
    HOLDINGS,
    IDENTITIES,
    INPUT_WORDS,
    INPUTS,
    WASHER_REGISTERS,
    WASHER_UNIT,
    Coil,
    Discrete,
    Holding,
    Input,
)

WORDS = {"u16": 1, "i16": 1, "bool": 1, "u32": 2}


def words(table: str) -> list[int]:
    return [row.address + k for row in WASHER_REGISTERS if row.table == table for k in range(WORDS[row.kind])]


def test_no_address_and_no_name_is_used_twice() -> None:
    for table in ("ir", "hr", "co", "di"):
        assert max(Counter(words(table)).values()) == 1, table
    assert max(Counter(row.name for row in WASHER_REGISTERS).values()) == 1


def test_one_read_of_66_registers_covers_all_inputs() -> None:
    assert INPUT_WORDS == 66
    assert max(words("ir")) == 65
    assert min(words("ir")) == 0
    assert INPUT_WORDS <= 125  # registers that one request may ask for


def test_the_map_has_its_published_rows() -> None:
    assert set(words("ir")) == {
        *range(10),
        *range(10, 19),
        *range(20, 27),
        *range(30, 44),
        *range(50, 66),
    }
    assert set(words("hr")) == {0, 1, 2, 3, *range(10, 25), 30, 31}
    assert set(words("co")) == set(range(8))
    assert set(words("di")) == set(range(12))


def test_pairs_begin_at_even_addresses() -> None:
    pairs = {row.name: row.address for row in INPUTS if row.kind == "u32"}
    assert pairs == {
        "serial_number": 8,
        "bottles_in": 50,
        "bottles_out": 52,
        "rejected": 54,
        "energy_wh": 56,
        "water_l": 58,
    }


def test_scales_and_units_of_what_is_measured() -> None:
    rows = {row.name: (row.address, row.kind, row.scale, row.unit) for row in WASHER_REGISTERS}
    assert rows["temp_z7"] == (17, "i16", 0.1, "°C")
    assert rows["cond_z4"] == (22, "u16", 0.1, "mS/cm")
    assert rows["cond_final"] == (23, "u16", 1, "µS/cm")
    assert rows["ph_final"] == (26, "u16", 0.01, "pH")
    assert rows["press_z7"] == (34, "u16", 0.01, "bar")
    assert rows["level_z3"] == (37, "u16", 0.1, "%")
    assert rows["h2_extraction"] == (43, "u16", 0.1, "m/s")
    assert rows["sp_temp_z7"] == (17, "i16", 0.1, "°C")
    assert rows["watchdog"] == (24, "u16", 0.1, "s")


def test_each_address_that_has_a_name_has_a_row() -> None:
    for table, addresses in (("ir", Input), ("hr", Holding), ("co", Coil), ("di", Discrete)):
        assert {int(address) for address in addresses} <= set(words(table))
    assert all(row.meaning for row in (*INPUTS, *HOLDINGS, *COILS, *DISCRETES))


def test_the_unit_says_who_it_is() -> None:
    assert set(IDENTITIES) == {WASHER_UNIT} == {1}
    assert IDENTITIES[1][0] == b"linectl"
