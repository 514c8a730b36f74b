"""How a raw number becomes a value in its unit."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Scaling"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Engineering value = raw * gain + offset; `bad_raw` are raw codes by which the device says "sensor fault"."""

    gain: float = 1.0
    offset: float = 0.0
    bad_raw: tuple[float, ...] = ()
