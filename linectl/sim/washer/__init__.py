"""The simulated bottle washer: physics, PLC and bottles."""
