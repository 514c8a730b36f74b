"""Time: the event loop's for waits, one `Clock` for wall time, and a loop whose clock jumps."""

from linectl.clock.virtual import VirtualTimeDeadlock, VirtualTimeLoop
from linectl.clock.wall import VIRTUAL_START_NS, Clock, wall_ns

__all__ = ["VIRTUAL_START_NS", "Clock", "VirtualTimeDeadlock", "VirtualTimeLoop", "wall_ns"]
