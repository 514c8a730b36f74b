"""The folders that hold what comes with linectl; apart from the rest, for a shell waits for it at TAB."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["homes", "share"]


def homes() -> list[Path]:
    """Return the folders that hold what comes with linectl (`config`, `experiments`), in the order of search."""
    root = Path(__file__).resolve().parents[2]
    return [root, share()] if (root / "pyproject.toml").is_file() else [share()]  # a tree: an editable install


def share() -> Path:
    """Return the folder of an installed linectl, which an update replaces."""
    return Path(sys.prefix) / "share" / "linectl"
