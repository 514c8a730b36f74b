"""Scenarios of faults played on the simulated plant, and what comes of them."""
