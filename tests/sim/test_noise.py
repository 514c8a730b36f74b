"""Noise as a pure function of what it belongs to."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from linectl.sim.noise import noises


@given(st.text(), st.integers(0, 40))
def test_noises_are_those_of_a_generator_of_their_own(key: str, count: int) -> None:
    gauss = random.Random(key).gauss
    assert noises(key, count) == [gauss(0.0, 1.0) for _ in range(count)]
