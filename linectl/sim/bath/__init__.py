"""The simulated lab bath: physics, PLC, bottles, and the person who tends it."""
