"""What each Modbus exception means to the application, and faults that strike so often and no more."""

from __future__ import annotations

import pytest

from linectl.model.faults import FaultOrder
from tests.faults.bath_cases import PROBE
from tests.faults.benches import WARMED_UP_S, Bench, on_a_line


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        pytest.param((1, 2, 3), "out_of_service", marks=pytest.mark.fault("F04")),
        pytest.param((4,), "sensor_failure", marks=pytest.mark.fault("F05")),
        pytest.param((5, 6), "timeout", marks=pytest.mark.fault("F06")),
        pytest.param((10, 11), "not_connected", marks=pytest.mark.fault("F07")),
    ],
)
def test_an_exception_is_told_by_what_it_means(codes: tuple[int, ...], reason: str) -> None:
    async def act(bench: Bench) -> None:
        await bench.sleep(WARMED_UP_S)
        for code in codes:
            number = bench.engine.add(FaultOrder("modbus_exception", "plc", values={"code": code}))
            await bench.bad("bath.level", f"BAD/{reason}", 5.0)
            assert bench.quality(PROBE) == "GOOD"
            bench.engine.clear(number)
            await bench.until(lambda: bench.quality("bath.level") == "GOOD", 20.0)

    on_a_line(act, wires=True)


@pytest.mark.parametrize("wires", [False, True])
def test_three_lost_replies_are_three_and_no_more(wires: bool) -> None:
    async def act(bench: Bench) -> None:
        await bench.sleep(WARMED_UP_S)
        since = len(bench.scans)
        bench.engine.add(FaultOrder("reply_dropped", "rtd", count=3))
        await bench.sleep(20.0)
        assert [each.why for each in bench.engine.log] == ["ordered", "counted"]
        assert bench.engine.standing() == ()
        bath = [scan for scan in bench.scans[since:] if scan.layout.group == "bath"]
        lost = [k for k, scan in enumerate(bath) for each in scan.readings if each.tag == PROBE and each.value is None]
        assert len(lost) >= 3 if wires else len(lost) == 3  # a serial wire that fell silent is opened anew
        assert max(lost) < 12
        assert bench.quality(PROBE) == "GOOD"

    on_a_line(act, wires=wires)
