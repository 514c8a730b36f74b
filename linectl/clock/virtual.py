"""An event loop whose clock jumps to the next timer, so that 20 hours of soak pass in seconds.

The selector polls real descriptors without waiting. Something ready: it is returned. A thread-pool job or bytes in
a pseudo-terminal on their way: real time is waited. Nothing at all: the clock jumps by the wait that asyncio asked
for. Sockets with both ends in this loop work; a server in another thread or process would time out falsely.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from drivers.in_flight import InFlight

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

__all__ = ["VirtualTimeDeadlock", "VirtualTimeLoop"]

_Ts = TypeVarTuple("_Ts")
_T = TypeVar("_T")

_PTY_WAIT_S = 1.0  # real seconds; bytes that do not arrive by then were lost with their wire
_JOB_WAIT_S = 60.0
_IDLE_WAIT_S = 5.0
_RESOLUTION_S = 1e-9
_JUMPS_UNPOLLED = 100  # a loop without wires looks so seldom at its own pipe, which brings signals


class VirtualTimeDeadlock(RuntimeError):
    """Nothing is scheduled and nothing arrives: in virtual time the program would wait for ever."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that makes its loop's clock jump instead of waiting.

    While nothing but the loop's own pipe is registered and no job is under way, nothing can arrive but a signal: then
    the system is asked only now and then, which halves what a jump costs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.jobs = 0
        self.in_flight = InFlight()
        self._has_wires = True
        self._unpolled = 0

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._has_wires = len(self.get_map()) > 1
        return key

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._has_wires = len(self.get_map()) > 1
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not self._has_wires and timeout is not None and self._nothing_can_come():
            if timeout > 0:
                self.now_s += timeout
            return []
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.jobs:
            return super().select(_JOB_WAIT_S)
        if self.in_flight:
            ready = super().select(_PTY_WAIT_S)
            if not ready:
                self.in_flight.forget()
            return ready
        if timeout is None:
            return self._wait_for_anything()
        self.now_s += timeout
        return ready

    def _nothing_can_come(self) -> bool:
        """Return whether the system need not be asked this time, where no wire is registered."""
        if self.jobs or self.in_flight or self._unpolled >= _JUMPS_UNPOLLED:
            self._unpolled = 0
            return False
        self._unpolled += 1
        return True

    def _wait_for_anything(self) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(_IDLE_WAIT_S)
        if not ready:
            msg = "virtual-time deadlock: no timer is set and no descriptor became ready"
            raise VirtualTimeDeadlock(msg)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector event loop on virtual time; `time()` starts at 0 s."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = _RESOLUTION_S

    @property
    def in_flight(self) -> InFlight:
        """Bytes on their way through pseudo-terminals of this loop (see `drivers.in_flight`)."""
        return self._jumping.in_flight

    def time(self) -> float:
        """Return the virtual time in s."""
        return self._jumping.now_s

    def run_in_executor(self, executor: Any, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Run `func` in a thread; the clock stands still until it has ended."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.jobs += 1
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.jobs -= 1
