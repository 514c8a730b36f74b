"""A device that is dead is given up, tried now and then, and back at once when it answers."""

from __future__ import annotations

from drivers.breaker import Breaker


def silenced(times: int, *, cost_s: float = 0.1, alone: bool = False) -> tuple[Breaker, list[float]]:
    """A breaker after so many silences, each at the earliest try, and the pauses between them."""
    breaker, now_s, pauses = Breaker(cost_s), 0.0, []
    for _ in range(times):
        breaker.silent(now_s, "it did not answer", alone=alone)
        if breaker.is_open:
            pauses.append(breaker.next_try_s - now_s)
            now_s = breaker.next_try_s
    return breaker, pauses


def test_three_silences_open_it_and_one_answer_closes_it() -> None:
    breaker, _ = silenced(2)
    assert not breaker.is_open
    breaker.answered()
    assert breaker.silences == 0
    breaker, _ = silenced(3)
    assert breaker.is_open
    assert breaker.refuses(0.0)
    assert not breaker.refuses(breaker.next_try_s), "one is let through as a probe"
    assert "open" in repr(breaker)
    breaker.answered()
    assert not breaker.refuses(0.0)
    assert "closed" in repr(breaker)


def test_it_says_once_that_it_opened() -> None:
    breaker = Breaker(0.1)
    assert [breaker.silent(0.0, "") for _ in range(5)] == [False, False, True, False, False]


def test_pauses_grow_with_what_a_probe_costs() -> None:
    assert silenced(8)[1] == [0.5, 1.0, 2.0, 2.5, 2.5, 2.5]
    assert silenced(12, cost_s=10.0)[1][-1] == 20.0
    assert silenced(12, cost_s=0.001)[1][-1] == 1.0
    assert silenced(12, cost_s=10.0, alone=True)[1][-1] == 1.0, "nobody to spare"


def test_a_new_connection_lets_the_next_request_through() -> None:
    breaker, _ = silenced(6)
    breaker.try_now()
    assert breaker.is_open
    assert not breaker.refuses(0.0)
    breaker.silent(0.0, "")
    assert breaker.next_try_s == 0.5
