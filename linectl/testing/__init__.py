"""For tests of experiments and of programs that talk to a line: a pytest plugin, its fixtures and what they print."""
