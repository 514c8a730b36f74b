"""How a run ended: in one record, from what its work ended in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from linectl.errors import LinectlError
from linectl.lab.halt import StopRequested
from linectl.model.records import ExitStatus
from linectl.words import tr

__all__ = ["BROKEN", "FORGOTTEN", "RunOutcome", "failed", "judged"]

BROKEN = "E-RUN-002"  # the code of a run that could not go on
FORGOTTEN = "E-RUN-014"  # ... of one that was held for too long


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended: `baths_done` went through their soak, `flagged` of them with a fault that its events tell.

    `reason`, `hint` and `code` are those of what ended it early; `exit_code` is the command line's.
    """

    run_id: str
    exit_status: ExitStatus
    reason: str
    baths_done: int
    flagged: int
    hint: str = ""
    code: str = ""
    exit_code: int = 0


def judged(
    so_far: RunOutcome, work: asyncio.Task[None], broken: str, places: Sequence[int], code: str = BROKEN
) -> RunOutcome:
    """Return how a run ended whose ended `work` had come `so_far`.

    `broken` is the fault that ended it ("": none), `code` its code, `places` the positions that still hold bottles.
    """
    if broken:
        return _ended(so_far, ExitStatus.FAIL, broken + _left_in(places), 5, code)
    if work.cancelled():
        return _ended(so_far, ExitStatus.ABORT, tr("stopped at once") + _left_in(places), 8, "E-RUN-001")
    error = work.exception()
    if error is None:
        return so_far
    if isinstance(error, StopRequested):
        return _ended(so_far, ExitStatus.ABORT, tr("stopped on request"), 8, "E-RUN-001")
    return failed(so_far, error, places)


def failed(so_far: RunOutcome, error: BaseException, places: Sequence[int]) -> RunOutcome:
    """Return the end of a run that `error` ended."""
    if isinstance(error, LinectlError):
        text = error.message + _left_in(places)
        return replace(_ended(so_far, ExitStatus.FAIL, text, error.exit_code, error.code), hint=error.hint)
    return _ended(so_far, ExitStatus.FAIL, f"{type(error).__name__}: {error}", 1, LinectlError.code)


def _ended(so_far: RunOutcome, status: ExitStatus, reason: str, exit_code: int, code: str) -> RunOutcome:
    return replace(so_far, exit_status=status, reason=reason, exit_code=exit_code, code=code)


def _left_in(places: Sequence[int]) -> str:
    """Return the warning that bottles are still in the bath."""
    if not places:
        return ""
    return tr("; bottles are still in the bath: positions {places}").format(places=", ".join(map(str, places)))
