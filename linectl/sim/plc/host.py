"""What a PLC knows of its host: whose the line is, whether its heart beats, and when it must be taken for dead.

All times are wire times in s, and every method is told the present one: nothing here waits or is woken.
"""

from __future__ import annotations

__all__ = ["LEASE_S", "Host"]

LEASE_S = 10.0
"""How long a token keeps the line after its last heartbeat."""


class Host:
    """The host's heartbeat, with the watchdog on it, and the owner's lease.

    The watchdog sleeps until the first heartbeat, or until `wake`.
    """

    def __init__(self, watchdog_s: float) -> None:
        self.watchdog_s = watchdog_s
        self.heartbeat, self.owner = 0, 0
        self._lease_end_s = 0.0
        self._beat_s: float | None = None  # the last sign of life; None: the watchdog sleeps

    def __repr__(self) -> str:
        """Return the owner and whether the watchdog is awake."""
        return f"<Host owner {self.owner}, watchdog {'sleeps' if self._beat_s is None else 'awake'}>"

    def deadline_s(self) -> float | None:
        """Return when the watchdog bites, or None while it sleeps."""
        return None if self._beat_s is None else self._beat_s + self.watchdog_s

    def tick(self, now_s: float) -> bool:
        """Bring lease and watchdog to `now_s`; return whether the watchdog has bitten, after which it sleeps."""
        if self.owner and now_s >= self._lease_end_s:
            self.owner = 0
        if self._beat_s is None or now_s < self._beat_s + self.watchdog_s:
            return False
        self._beat_s = None
        return True

    def beat(self, value: int, now_s: float) -> None:
        """Take a heartbeat; only a changed value counts."""
        if value == self.heartbeat:
            return
        self.heartbeat = value
        self._beat_s = now_s
        self._lease_end_s = now_s + LEASE_S

    def claim(self, token: int, now_s: float) -> None:
        """Give the line to `token` when it is free or already its own; 0 gives it back. Else nothing changes."""
        if token and self.owner not in {0, token}:
            return
        self.owner = token
        self._lease_end_s = now_s + LEASE_S

    def wake(self, now_s: float) -> None:
        """Have the watchdog watch from now on, if it sleeps: something dangerous was switched on."""
        if self._beat_s is None:
            self._beat_s = now_s

    def leaves(self) -> None:
        """Let the watchdog sleep: the host has left in order."""
        self._beat_s = None
