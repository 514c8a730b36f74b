"""The hash by which a verdict is named: SHA-256 over all that it rests on and says."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linectl.lab.results import Analysis

__all__ = ["verdict_hash"]


def verdict_hash(analysis: Analysis) -> str:
    """Return the SHA-256 of the analysis in its canonical JSON (data hash, versions, fits, bounds, verdicts)."""
    from linectl.lab.analysis import to_json

    told = json.dumps(to_json(analysis), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(told.encode()).hexdigest()
