"""When an RTU line may be used again."""

from __future__ import annotations

import pytest

from drivers.modbus.guard import Guard, gap_s, timeout_s, window_s
from drivers.modbus.pace import Belief, Memory, Pace
from drivers.settings import ModbusRtuSettings, SerialSettings


def settings(
    baud: int = 9600, parity: str = "N", *, timeout_s: float = 0.0, window_s: float = 0.0
) -> ModbusRtuSettings:
    return ModbusRtuSettings(
        SerialSettings("/dev/ttyUSB0", baud, parity=parity), timeout_s=timeout_s, window_s=window_s
    )


@pytest.mark.parametrize(("baud", "longest_s"), [(9600, 0.293), (19200, 0.147), (115200, 0.0244)])
def test_the_window_is_turnaround_longest_frame_and_adapter(baud: int, longest_s: float) -> None:
    assert window_s(settings(baud, "E")) == pytest.approx(0.1 + longest_s + 0.016, rel=0.01)
    assert window_s(settings(baud, "E", window_s=0.05)) == 0.05


def test_the_rest_before_a_request_is_three_and_a_half_characters() -> None:
    assert gap_s(settings(9600)) == pytest.approx(3.5 * 10 / 9600)
    assert gap_s(settings(115200)) == 0.00175


def test_the_timeout_is_what_the_frames_take_and_more() -> None:
    on_the_wire_s = (8 + 25) * 10 / 9600
    assert 0.1 + 0.016 < timeout_s(settings(), 8, 25) - on_the_wire_s < 0.13
    assert timeout_s(settings(timeout_s=0.4), 8, 25) == 0.4


def test_doubt_keeps_the_line_quiet_for_the_window_after_the_last_reply_that_can_come() -> None:
    guard = Guard(settings(window_s=0.2))
    assert guard.ready_at() < 0.0
    guard.doubt(10.0)
    assert guard.ready_at() == 10.2
    assert guard.in_quarantine(10.1)
    assert not guard.in_quarantine(10.2)
    guard.doubt(10.0, expected_by_s=10.15)
    assert guard.ready_at() == pytest.approx(10.35)
    assert guard.quarantines == 2
    assert "10.35" in repr(guard)


def test_bytes_in_quarantine_may_not_be_the_last() -> None:
    guard = Guard(settings(window_s=0.2))
    guard.doubt(10.0)
    guard.heard(10.19, 8)
    assert guard.ready_at() == pytest.approx(10.19 + gap_s(settings()) + 0.016)
    assert guard.quarantines == 1


def test_a_frame_that_nobody_asked_for_is_a_reason_for_a_quarantine_a_stray_byte_is_none() -> None:
    guard = Guard(settings(window_s=0.2))
    assert not guard.heard(1.0, 2)
    assert guard.ready_at() == pytest.approx(1.0 + gap_s(settings()))
    assert guard.heard(1.001, 3)
    guard = Guard(settings(window_s=0.2))
    for now_s in (1.0, 2.0, 3.0):
        assert not guard.heard(now_s, 2)
        guard.asked()


def test_a_reply_that_comes_sooner_than_ever_is_noticed() -> None:
    pace, shape = Pace(), (3, 25)
    for took_s in (0.030, 0.034, 0.031, 0.032, 0.031, 0.033, 0.031):
        pace.took(shape, took_s)
        assert not pace.too_soon(shape, 0.0), "too few to know"
    pace.took(shape, 0.031)
    assert not pace.too_soon(shape, 0.0255)
    assert pace.too_soon(shape, 0.0240)
    assert not pace.too_soon((4, 25), 0.0)
    assert pace.slowest_s(shape) == 0.031
    assert pace.slowest_s((4, 25)) == 0.0
    assert "0.03" in repr(pace)


def test_a_single_fast_reply_is_forgotten() -> None:
    pace, shape = Pace(), (3, 25)
    for took_s in [0.001] + [0.030] * 4000:
        pace.took(shape, took_s)
    assert pace.too_soon(shape, 0.024)


A, B = b"\1\3\0\0\0\2", b"\1\3\0\7\0\2"
ZEROS, ONES = b"\1\3\4\0\0\0\0", b"\1\3\4\0\1\0\1"


def test_what_just_came_for_another_request_is_held() -> None:
    memory = Memory(0.2)
    assert memory.belief(A, ZEROS, 1.0) is Belief.YES
    memory.believed(A, ZEROS, 1.0)
    assert memory.belief(B, ONES, 1.1) is Belief.YES
    assert memory.belief(B, ZEROS, 1.1) is Belief.HOLD
    assert memory.belief(B, ZEROS, 1.3) is Belief.YES, "no copy comes so late"


def test_what_just_came_for_another_request_is_not_believed_on_a_line_that_makes_copies() -> None:
    memory = Memory(0.2)
    memory.believed(A, ZEROS, 1.0)
    memory.stray(ZEROS, 1.05)
    memory.believed(A, ZEROS, 1.06)
    assert memory.belief(B, ZEROS, 1.1) is Belief.NO
    assert memory.belief(B, ZEROS, 1.1) is Belief.HOLD, "asked again, it came again"
    assert memory.belief(B, ZEROS, 1.3) is Belief.YES, "no copy comes so late"
    assert "1 frames" in repr(memory)
    memory.believed(A, ONES, 700.0)
    assert memory.belief(B, ONES, 700.1) is Belief.HOLD, "ten minutes without another copy"


def test_a_reply_that_came_too_late_once_is_no_copy() -> None:
    memory = Memory(0.2)
    memory.stray(ZEROS, 1.0, A)
    memory.believed(A, ONES, 1.1)
    assert memory.belief(B, ONES, 1.2) is Belief.HOLD


def test_a_frame_that_nobody_waited_for_may_come_again() -> None:
    memory = Memory(0.2)
    memory.copied(0.5)
    memory.heard(ZEROS, 1.0)
    assert memory.belief(A, ZEROS, 1.1) is Belief.NO
    memory.heard(ONES, 1.0, A)
    assert memory.belief(A, ONES, 1.1) is Belief.HOLD, "too late for the same request: it is asked again"
    assert memory.belief(B, ONES, 1.1) is Belief.NO


def polled(requests: tuple[bytes, ...], period_s: float, polls: int = 6) -> list[Belief]:
    """Return what is believed of the first request's equal replies, when all are polled in turn."""
    memory, found = Memory(0.2), []
    for number in range(polls * len(requests)):
        request, now_s = requests[number % len(requests)], 1.0 + period_s * number
        frame = ZEROS if request == A else ONES
        if request == A:
            found.append(memory.belief(request, frame, now_s))
        memory.believed(request, frame, now_s)
    return found


def test_values_that_do_not_change_are_held_twice() -> None:
    yes, hold = Belief.YES, Belief.HOLD
    assert polled((A, B), 0.05) == [yes, hold, hold, yes, yes, yes]
    assert polled((A,), 0.1) == [yes, hold, hold, hold, hold, hold], "nothing else was read between"
    assert polled((A,), 0.3) == [yes] * 6, "polled more slowly than the window"
    memory = Memory(0.2)
    memory.believed(A, ZEROS, 2.0)
    memory.believed(A, ONES, 2.0)
    assert memory.belief(A, ONES, 2.1) is hold, "they changed"


def test_the_echo_of_a_write_is_held_and_never_doubted() -> None:
    memory, echo = Memory(0.2), b"\1\x10\0\0\0\1"
    memory.believed(echo + b"\2\0\7", echo, 1.0)
    assert memory.belief(echo + b"\2\0\x08", echo, 1.1) is Belief.HOLD


def test_memory_is_bounded() -> None:
    memory = Memory(1e9)
    for number in range(3000):
        memory.believed(number.to_bytes(2, "big"), b"\1\3" + number.to_bytes(2, "big"), float(number))
    assert repr(memory) == "<Memory 1024 frames, 512 requests>"
