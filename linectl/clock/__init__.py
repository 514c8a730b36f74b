"""Time: the event loop's for waits, one `Clock` for wall time, and a loop whose clock jumps."""

from linectl.clock.pace import Pace, PaceMeter
from linectl.clock.virtual import VirtualTimeDeadlock, VirtualTimeLoop
from linectl.clock.wall import VIRTUAL_START_NS, Clock, wall_ns

__all__ = ["VIRTUAL_START_NS", "Clock", "Pace", "PaceMeter", "VirtualTimeDeadlock", "VirtualTimeLoop", "wall_ns"]
