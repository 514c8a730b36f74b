"""Each kind of fault on the whole application: what its readings, events and alarms show, and that it recovers."""

from __future__ import annotations

from typing import Any

import pytest

from linectl.model.faults import KINDS
from tests.faults.bath_cases import BATH_CASES
from tests.faults.benches import Case, prove
from tests.faults.washer_cases import WASHER_CASES
from tests.faults.wire_cases import WIRE_CASES

CASES = (*WIRE_CASES, *BATH_CASES, *WASHER_CASES)


def test_no_kind_is_without_a_case() -> None:
    assert {case.order.kind for case in CASES} == set(KINDS)


PROVES = {
    "plc_reboot": "F01",
    "half_open": "F02",
    "reply_late": "F03",
    "slow_reply": "F03",
    "modbus_exception": "F05",
    "unit_gone": "F07",
    "reply_truncated": "F08",
    "wrong_word_order": "F09",
    "reply_garbled": "F10",
    "serial_noise": "F10",
    "serial_unplugged": "F11",
    "serial_partial_lines": "F12",
    "sensor_dead": "F15",
    "sensor_spike": "F15",
    "broker_restart": "F17",
    "broker_frozen": "F18",
    "retained_garbage": "F19",
    "plc_watchdog": "F35",
}
"""Rows of the fault catalogue."""


def _param(case: Case) -> Any:
    row = PROVES.get(case.order.kind)
    marks = () if row is None else (pytest.mark.fault(row),)
    return pytest.param(case, id=f"{case.order.kind} {case.order.target}".strip(), marks=marks)


@pytest.mark.parametrize("case", [_param(case) for case in CASES])
def test_the_application_shows_it_and_recovers(case: Case) -> None:
    prove(case)
