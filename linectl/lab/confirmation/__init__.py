"""Confirmation: the registered plan that alone can end in GO, its risks computed exactly, glues compared in looks."""
