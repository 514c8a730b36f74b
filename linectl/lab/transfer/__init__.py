"""From the lab bath to the washing line: what a fit foretells of a recipe."""
