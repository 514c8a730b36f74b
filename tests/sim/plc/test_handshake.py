from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linectl.sim.plc.handshake import REMEMBERED, Handshake, Key, Result

OWNER = 7


class Machine:
    """Counts what it is made to do."""

    def __init__(self) -> None:
        self.acts: list[tuple[int, Key]] = []

    def act(self, code: int, key: Key) -> Result:
        self.acts.append((code, key))
        return Result(code % 5)


def test_a_repeated_number_is_answered_and_never_acts_again() -> None:
    handshake, machine = Handshake(), Machine()
    for _ in range(3):
        handshake.take(1, 40, OWNER, owner=OWNER, act=machine.act)
        assert (handshake.ack_seq, handshake.ack_result) == (40, Result.DONE)
    assert machine.acts == [(1, (OWNER, 40))]
    handshake.take(1, 41, OWNER, owner=OWNER, act=machine.act)
    assert len(machine.acts) == 2  # another number is another command


def test_the_stored_result_answers_even_when_the_code_differs() -> None:
    handshake, machine = Handshake(), Machine()
    handshake.take(3, 9, OWNER, owner=OWNER, act=machine.act)
    handshake.take(1, 9, OWNER, owner=OWNER, act=machine.act)
    assert handshake.ack_result is Result.INTERLOCK
    assert len(machine.acts) == 1


def test_an_end_reaches_a_repetition_even_after_later_commands() -> None:
    handshake, machine = Handshake(), Machine()
    handshake.take(0, 1, OWNER, owner=OWNER, act=machine.act)
    assert handshake.ack_result is Result.PENDING
    handshake.take(2, 2, OWNER, owner=OWNER, act=machine.act)
    handshake.end((OWNER, 1), Result.DONE)
    assert (handshake.ack_seq, handshake.ack_result) == (2, Result.STATE)
    handshake.take(0, 1, OWNER, owner=OWNER, act=machine.act)
    assert (handshake.ack_seq, handshake.ack_result) == (1, Result.DONE)


Asked = st.tuples(st.integers(0, 300), st.integers(0, 65535), st.sampled_from([0, OWNER, 9]))


@given(st.lists(Asked, max_size=60), st.sampled_from([0, OWNER]))
def test_nothing_acts_twice_nor_for_a_stranger(asked: list[tuple[int, int, int]], owner: int) -> None:
    handshake, machine = Handshake(), Machine()
    results: dict[int, Result] = {}
    recent: list[int] = []
    for code, seq, token in asked:
        before = len(machine.acts)
        handshake.take(code, seq, token, owner=owner, act=machine.act)
        assert handshake.ack_seq == seq
        if token != owner or not token:
            assert handshake.ack_result is Result.TOKEN
            assert len(machine.acts) == before
            continue
        if seq in recent[-REMEMBERED:]:
            assert len(machine.acts) == before
            assert handshake.ack_result is results[seq]
        else:
            assert len(machine.acts) == before + 1
            recent.append(seq)
            results[seq] = handshake.ack_result


@given(st.lists(st.tuples(Asked, st.integers(1, 4)), max_size=30))
def test_any_number_of_repeats_in_a_row_is_one_act(asked: list[tuple[tuple[int, int, int], int]]) -> None:
    once, often = Machine(), Machine()
    single, repeated = Handshake(), Handshake()
    for (code, seq, _), times in asked:
        single.take(code, seq, OWNER, owner=OWNER, act=once.act)
        for _ in range(times):
            repeated.take(code, seq, OWNER, owner=OWNER, act=often.act)
        assert (single.ack_seq, single.ack_result) == (repeated.ack_seq, repeated.ack_result)
    assert once.acts == often.acts


def test_a_number_that_comes_round_again_is_a_new_command() -> None:
    """After 65535 comes 1: by then the first one is long forgotten."""
    handshake, machine = Handshake(), Machine()
    for seq in (1, *range(65536 - REMEMBERED, 65536), 1):
        handshake.take(1, seq, OWNER, owner=OWNER, act=machine.act)
    assert len(machine.acts) == REMEMBERED + 2
    handshake.take(1, 65535, OWNER, owner=OWNER, act=machine.act)
    assert len(machine.acts) == REMEMBERED + 2
