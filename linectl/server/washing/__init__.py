"""The machine of the line: its commands, recipes, counters and wash lots."""
