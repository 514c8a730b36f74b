"""Alarms after ISA-18.2, judged on readings: pure functions over the rules of `linectl.model.alarms`."""
