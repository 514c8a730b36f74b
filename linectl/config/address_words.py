"""What is wrong with an address, in the language in use: the wires themselves speak English alone."""

from __future__ import annotations

from drivers.errors import BadAddress
from linectl.words import tr

__all__ = ["told"]


def told(error: BadAddress) -> str:
    """Return the message of a wrong address; its text stands where it is raised, and its French in our words."""
    return tr(error.text).format(**error.fields) if error.fields else str(error)
