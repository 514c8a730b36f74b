"""The simulated plant, served on wires, looked at and steered."""
