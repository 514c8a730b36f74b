"""YAML files into the types of linectl.model, every mistake with its position."""
