"""Recordings of wires, played back as the devices that they were made of."""
