"""Experiments: design, runner, kinetics, decision, report."""
