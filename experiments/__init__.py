"""Experiment files and scripts, as R&D writes them."""
