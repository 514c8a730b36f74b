"""A confirmation as registered before its first bottle: the point, the rule, the sets; what alone can end in GO."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum

__all__ = ["CONFIRMATION_SETS", "Confirmation", "ConfirmationSet", "set_of"]


class ConfirmationSet(StrEnum):
    """The bottles of a confirmation."""

    MAIN = "main"  # labels as delivered, soaked at the point
    AGED = "aged"  # labels aged by sun and 90 % humidity, soaked at the point
    HOLDING = "holding"  # labels in cold water, as in an ice bucket: they must stay on


CONFIRMATION_SETS = tuple(ConfirmationSet)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What was fixed before the first bottle.

    The point: temperature (°C), NaOH (%), soak (s), stirrer (%). The baths are set `cooler_k` below it, so that the
    probe's calibration cannot pass the glue. `rule` is the rule as chosen for independent labels, `applied` the same
    with the bottles that it needs when baths differ by `bath_sd` in ln t (`sigma` within a bath, `per_bath` bottles).
    `aged_rule` and `holding_rule` are the rules of those sets; `recipe` names the line recipe that GO is for.
    """

    id: str
    glue: str
    lots: tuple[str, ...]
    temperature_c: float
    naoh_pct: float
    soak_s: float
    agitation_pct: float
    removal: float
    confidence: float
    rule: str
    applied: str
    bath_sd: float
    sigma: float
    per_bath: int
    cooler_k: float
    recipe: str
    screening_runs: tuple[str, ...]
    verdict_hash: str
    registered_by: str
    registered_ns: int
    min_baths: int = 8
    aged_rule: str = "59/0"
    holding_rule: str = "59/0"
    residue_max_pct: float = 1.0

    def sha256(self) -> str:
        """Return the hash of all of it but who registered it and when: what a run of it carries."""
        told = asdict(self)
        del told["registered_by"], told["registered_ns"]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def set_of(text: str) -> tuple[str, ConfirmationSet]:
    """Return the confirmation's id and set that an experiment names: `C1` or `C1/aged`.

    Raises:
        ValueError: no such set.
    """
    name, _, kind = text.partition("/")
    return name, ConfirmationSet(kind or "main")
