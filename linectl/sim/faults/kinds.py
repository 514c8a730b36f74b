"""Every kind of the catalogue, with what it does to a rig and how that ends."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from linectl.sim.faults.acts import Begin
from linectl.sim.faults.device_kinds import DEVICE_KINDS
from linectl.sim.faults.process_kinds import PROCESS_KINDS
from linectl.sim.faults.sensor_kinds import SENSOR_KINDS
from linectl.sim.faults.wire_kinds import WIRE_KINDS

__all__ = ["BEGIN"]

BEGIN: Mapping[str, Begin] = MappingProxyType({**WIRE_KINDS, **DEVICE_KINDS, **SENSOR_KINDS, **PROCESS_KINDS})
"""By the name of a kind: what begins it."""
