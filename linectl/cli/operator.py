"""Who sits at this terminal."""

from __future__ import annotations

import os

__all__ = ["operator_name"]


def operator_name() -> str:
    """Return who runs: LINECTL_OPERATOR, else the user of the operating system."""
    named = os.environ.get("LINECTL_OPERATOR")
    if named:
        return named
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid {os.getuid()}"
