"""From an experiment to its baths: which treatments, in what order, with which bottles, and how precise that is."""
