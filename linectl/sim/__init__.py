"""The simulated plant: physics, labels, and its devices on real wires."""
