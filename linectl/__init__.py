"""linectl: control software of a bottle-washing line and its label-removal lab."""
