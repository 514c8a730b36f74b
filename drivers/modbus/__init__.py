"""Modbus on any wire: framing, guard, plan, reads and writes."""
