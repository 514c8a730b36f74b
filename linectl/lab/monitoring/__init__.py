"""The line answers the lab: what inspectors reject, lot by lot, against what a GO let one expect."""
