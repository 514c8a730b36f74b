"""What each ill makes of a reply, without any wire."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.frames.modbus import frame
from drivers.frames.modbus_rtu import rtu_frame, unframed
from linectl.sim.wires import ills
from linectl.sim.wires.trouble import Asked, Ill, Reply, Trouble, Wire

TCP = frame(7, 2, b"\x04\x04\x02\x58\x03\xe8")
RTU = rtu_frame(2, b"\x04\x04\x02\x58\x03\xe8")
LINE = b"60.123\r*OK\r"


def met(
    ill: Ill, data: bytes, wire: Wire = "text", *, seed: int = 1, count: int = 200, foreign: bytes = b""
) -> list[Reply]:
    trouble = Trouble(seed, "link", [ill])
    return [trouble.meet(Asked(wire)).fate(data, foreign) for _ in range(count)]


def hit(replies: list[Reply], data: bytes) -> float:
    return sum(reply.data != data for reply in replies) / len(replies)


def test_a_link_without_ills_lets_everything_through_and_draws_nothing() -> None:
    trouble = Trouble(1, "plc")
    assert not trouble
    meeting = trouble.meet(Asked("tcp"))
    assert meeting.fate(TCP) == Reply(((0.0, TCP),))
    assert (meeting.silent, meeting.code) == (False, 0)


def test_a_seed_repeats_and_another_does_not() -> None:
    ill = ills.garble(share=0.5)
    assert met(ill, LINE) == met(ill, LINE)
    assert met(ill, LINE) != met(ill, LINE, seed=2)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("make", [ills.drop, ills.garble, ills.truncate, ills.hang_up, ills.duplicate, ills.noise])
def test_a_share_of_the_replies_is_hit(make: Callable[..., Ill], share: float) -> None:
    assert hit(met(make(share=share), LINE), LINE) == pytest.approx(share, abs=0.06)


def test_lateness_is_drawn_from_its_range() -> None:
    delays_s = [reply.lasts_s for reply in met(ills.late(0.2, 0.8), LINE)]
    assert 0.2 <= min(delays_s) < 0.25
    assert 0.75 < max(delays_s) <= 0.8
    assert {reply.lasts_s for reply in met(ills.late(0.4), LINE)} == {0.4}


def test_a_garbled_rtu_frame_never_passes_its_check() -> None:
    for bits in (1, 2, 3):
        damaged = {reply.data for reply in met(ills.garble(bits=bits), RTU, "rtu", count=500)}
        assert RTU not in damaged
        assert all(unframed(data) is None for data in damaged)


def test_a_garbled_tcp_frame_keeps_its_data_and_shows_its_damage() -> None:
    for reply in met(ills.garble(bits=2), TCP, "tcp"):
        assert reply.data[8:] == TCP[8:]
        assert reply.data[:8] != TCP[:8]
        assert reply.data[4:6] == TCP[4:6], "the length stands, else it would be a truncated one"


def test_a_garbled_line_is_no_text_any_more() -> None:
    assert not any(reply.data.isascii() for reply in met(ills.garble(), LINE))


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
def test_a_truncated_reply_is_a_beginning(keep: float) -> None:
    (reply, *_) = met(ills.truncate(keep=keep), LINE)
    assert reply.data == LINE[: min(round(len(LINE) * keep - 0.01), len(LINE) - 1)]


def test_a_slow_reply_comes_whole_byte_by_byte() -> None:
    (reply, *_) = met(ills.slow(0.01), LINE)
    assert reply.data == LINE
    assert len(reply.pieces) == len(LINE)
    assert reply.lasts_s == pytest.approx(0.01 * (len(LINE) - 1))


def test_ills_add_up() -> None:
    trouble = Trouble(1, "link", [ills.late(0.5), ills.duplicate(after_s=0.25), ills.slow(0.01)])
    reply = trouble.meet(Asked("text")).fate(LINE)
    assert reply.data == LINE * 2
    assert reply.lasts_s == pytest.approx(0.75 + 2 * 0.01 * (len(LINE) - 1))


def test_two_alike_end_one_by_one() -> None:
    trouble = Trouble(1, "link")
    first, second = trouble.add(ills.half_open()), trouble.add(ills.half_open())
    trouble.remove(first)
    trouble.remove(first)
    assert trouble.meet(Asked("tcp")).silent
    trouble.remove(second)
    assert not trouble


def test_an_exception_is_for_all_or_for_writes() -> None:
    read, write = Asked("tcp", 2, 3, 10, 1), Asked("tcp", 2, 6, 10, 1)
    everything, writes = Trouble(1, "l", [ills.exception(6)]), Trouble(1, "l", [ills.exception(4, writes_only=True)])
    assert [everything.meet(each).code for each in (read, write)] == [6, 6]
    assert [writes.meet(each).code for each in (read, write)] == [0, 4]


def test_a_unit_that_is_gone_is_told_of_by_a_gateway_and_silent_on_a_serial_line() -> None:
    trouble = Trouble(1, "l", [ills.unit_gone(2)])
    tcp, rtu, other = (trouble.meet(each) for each in (Asked("tcp", 2, 3), Asked("rtu", 2, 3), Asked("tcp", 1, 3)))
    assert (tcp.code, tcp.silent) == (11, False)
    assert (rtu.code, rtu.silent) == (0, True)
    assert (other.code, other.silent) == (0, False)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (Asked("tcp", 1, 4, 10, 4), [2, 1, 4, 3]),
        (Asked("tcp", 1, 4, 9, 4), [1, 3, 2, 4]),
        (Asked("tcp", 1, 3, 10, 4), [1, 2, 3, 4]),
        (Asked("tcp", 2, 4, 10, 4), [1, 2, 3, 4]),
        (Asked("tcp", 1, 4, 12, 4), [2, 1, 3, 4]),
    ],
)
def test_pairs_of_registers_are_swapped_where_it_was_said(asked: Asked, shown: list[int]) -> None:
    trouble = Trouble(1, "l", [ills.swapped_words("ir", 10, 4, unit=1)])
    assert trouble.meet(asked).registers([1, 2, 3, 4]) == shown


def test_an_answer_to_another_question_comes_first_or_instead() -> None:
    (first, *_) = met(ills.foreign(), LINE, foreign=b"?i,RTD\r")
    (instead, *_) = met(ills.foreign(instead=True), LINE, foreign=b"?i,RTD\r")
    assert first.data == b"?i,RTD\r" + LINE
    assert instead.data == b"?i,RTD\r"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: ills.late(-1.0), id="early"),
        pytest.param(lambda: ills.late(2.0, 1.0), id="a range upside down"),
        pytest.param(lambda: ills.garble(bits=0), id="no bit"),
        pytest.param(lambda: ills.garble(bits=4), id="more than a CRC finds"),
        pytest.param(lambda: ills.exception(0), id="no exception"),
        pytest.param(lambda: ills.exception(12), id="no such exception"),
        pytest.param(lambda: ills.swapped_words("ir", 0, 3), id="no pairs"),
    ],
)
def test_an_impossible_figure_is_refused(make: Callable[[], Ill]) -> None:
    with pytest.raises(ValueError, match=r"not|cannot"):
        make()


@pytest.mark.parametrize("then", [ills.late(1.0), ills.duplicate(), ills.garble(), ills.truncate(), ills.slow(0.1)])
def test_of_a_lost_reply_nothing_more_can_become(then: Ill) -> None:
    trouble = Trouble(1, "link", [ills.drop(), ills.noise(), then])
    assert trouble.meet(Asked("rtu")).fate(RTU) == Reply(())


def test_the_first_of_two_exceptions_is_told() -> None:
    trouble = Trouble(1, "plc", [ills.exception(6), ills.exception(4), ills.half_open()])
    meeting = trouble.meet(Asked("tcp", 2, 3, 0, 1))
    assert (meeting.code, meeting.silent) == (6, True)
