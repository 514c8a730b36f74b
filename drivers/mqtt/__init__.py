"""Sensors behind an MQTT broker."""
