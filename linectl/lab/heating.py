"""What ends a wait for a warm bath: nobody can read its temperature, or no heat arrives."""

from __future__ import annotations

from linectl.errors import DeviceError
from linectl.words import tr

__all__ = ["Blind", "Gain"]

_BLIND_S = 30.0  # process time without a bath temperature after which heating ends
_GAIN_EVERY_S, _GAIN_K = 600.0, 0.5  # a heater that works gains more in that time, in a lab bath and in a tank
_NEAR_K = 2.0


class Blind:
    """Ends a wait for a temperature that nobody can read."""

    def __init__(self) -> None:
        self._since: float | None = None

    def see(self, now_s: float, measured: float | None) -> None:
        """Take a look's outcome.

        Raises:
            DeviceError: there was no temperature for 30 s.
        """
        if measured is not None:
            self._since = None
            return
        self._since = now_s if self._since is None else self._since
        if now_s - self._since > _BLIND_S:
            raise DeviceError(
                tr("the bath's temperature cannot be read while it is heated"),
                hint=tr("check the probe and its cable, then start the run again"),
            )


class Gain:
    """Sees that a bath which is far too cold gets warmer."""

    def __init__(self, wanted_c: float) -> None:
        self._wanted_c = wanted_c
        self._from: tuple[float, float] | None = None

    def see(self, now_s: float, measured: float | None) -> None:
        """Take a look's outcome.

        Raises:
            DeviceError: it gained less than 0.5 K in 10 min.
        """
        if measured is None or measured > self._wanted_c - _NEAR_K:
            self._from = None
            return
        if self._from is None:
            self._from = now_s, measured
        began_s, began_c = self._from
        if now_s - began_s < _GAIN_EVERY_S:
            return
        if measured - began_c < _GAIN_K:
            raise DeviceError(
                tr("the bath gained {gain:.1f} K in {minutes:.0f} min of heating").format(
                    gain=measured - began_c, minutes=(now_s - began_s) / 60
                ),
                hint=tr("check the heater and its fuse; is the probe in the bath?"),
            )
        self._from = now_s, measured
