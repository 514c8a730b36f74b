"""No wrong value from instruments whose replies come late, half, garbled or not at all; without the fence, many."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from benchmarks.wire_fence import KINDS, LATE, MIXED, NONE, run
from drivers.instruments.instrument import Instrument
from drivers.lines import LinePort

T = TypeVar("T")

READS = 1000


@pytest.mark.parametrize("name", KINDS)
def test_no_wrong_value_with_the_fence_and_many_without(name: str) -> None:
    fenced, control = run(name, READS, MIXED), run(name, READS, MIXED, fenced=False)
    assert fenced.wrong == 0
    assert fenced.right > 0.7 * READS
    assert fenced.fences > 50
    assert control.wrong > 0.1 * READS


@pytest.mark.parametrize("name", KINDS)
def test_without_faults_the_fence_costs_nothing(name: str) -> None:
    fenced, control = run(name, 100, NONE), run(name, 100, NONE, fenced=False)
    assert (fenced.right, fenced.fences) == (100, 0)
    assert fenced.virtual_s == control.virtual_s
    assert run(name, READS, LATE).rate > 0.6 * run(name, READS, LATE, fenced=False).rate


async def _first_name(
    self: Instrument, port: LinePort, command: bytes, parse: Callable[[bytes], T], *_others: object
) -> T:
    port.write(command)
    return await self._pass_over(port, parse, self._until_s())


@pytest.mark.parametrize("seed", [1, 2])
def test_the_first_name_that_comes_may_answer_an_older_question(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 2 * READS
    assert run("balance", reads, MIXED, seed=seed).wrong == 0
    monkeypatch.setattr(Instrument, "_ask_name", _first_name)
    assert run("balance", reads, MIXED, seed=seed).wrong > 0
