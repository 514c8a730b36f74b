from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linectl.sim.plc.host import LEASE_S, Host


def test_the_watchdog_sleeps_until_the_first_beat() -> None:
    host = Host(2.0)
    assert host.deadline_s() is None
    assert not host.tick(1e6)
    host.beat(1, 10.0)
    assert host.deadline_s() == 12.0
    assert not host.tick(11.999)
    assert host.tick(12.0)
    assert not host.tick(100.0)  # it has bitten and sleeps


def test_a_beat_of_the_same_value_is_none() -> None:
    host = Host(2.0)
    host.beat(5, 0.0)
    host.beat(5, 1.9)
    assert host.tick(2.0)


def test_what_is_dangerous_wakes_it_without_a_beat() -> None:
    host = Host(2.0)
    host.wake(3.0)
    host.wake(4.0)  # awake already: no reprieve
    assert host.tick(5.0)
    host.wake(6.0)
    host.leaves()
    assert not host.tick(100.0)


def test_a_second_token_is_refused_until_the_lease_ends() -> None:
    host = Host(2.0)
    host.claim(7, 0.0)
    host.claim(9, 1.0)
    assert host.owner == 7
    host.beat(1, 5.0)
    host.tick(5.0 + LEASE_S - 0.001)
    assert host.owner == 7
    host.tick(5.0 + LEASE_S)
    assert host.owner == 0
    host.claim(9, 16.0)
    assert host.owner == 9
    host.claim(0, 17.0)
    assert host.owner == 0


@given(st.lists(st.floats(0.01, 5.0), max_size=30))
def test_it_bites_exactly_when_a_gap_is_long_enough(gaps: list[float]) -> None:
    host, now_s = Host(2.0), 0.0
    host.beat(0xFFFF, 0.0)
    host.beat(0, 0.0)
    for number, gap_s in enumerate(gaps, start=1):
        now_s += gap_s
        deadline_s = host.deadline_s()
        assert deadline_s is not None
        assert host.tick(now_s) is (now_s >= deadline_s)
        host.beat(number, now_s)
