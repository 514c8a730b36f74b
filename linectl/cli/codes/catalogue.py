"""The one catalogue of error codes: each code has its explanation here, and each explanation is of a code in use."""

from __future__ import annotations

import difflib

from linectl.cli.codes.alarms import of_alarms
from linectl.cli.codes.audit import of_audit
from linectl.cli.codes.calibrations import of_calibrations
from linectl.cli.codes.entry import Explanation
from linectl.cli.codes.files import of_files
from linectl.cli.codes.line import of_line
from linectl.cli.codes.machine import of_machine
from linectl.cli.codes.runs import of_runs
from linectl.cli.codes.serving import of_serving
from linectl.cli.codes.simulated import of_simulated
from linectl.cli.codes.trials import of_trials
from linectl.words import tr

__all__ = ["catalogue", "explanation", "families", "nearest"]

_NEAR = 3  # codes that are offered for one that is not there


def catalogue() -> tuple[Explanation, ...]:
    """Return all explanations by code, in the language in use."""
    found = (
        *of_line(),
        *of_runs(),
        *of_files(),
        *of_trials(),
        *of_simulated(),
        *of_audit(),
        *of_serving(),
        *of_machine(),
        *of_alarms(),
        *of_calibrations(),
    )
    return tuple(sorted(found, key=lambda each: each.code))


def explanation(code: str) -> Explanation | None:
    """Return what is told of `code`, None when there is no such code; small letters and blanks around it will do."""
    wanted = code.strip().upper()
    return next((each for each in catalogue() if each.code == wanted), None)


def nearest(code: str) -> list[Explanation]:
    """Return the explanations whose codes look most like `code`, the nearest first; of its family when it names one."""
    known = {each.code: each for each in catalogue()}
    wanted = code.strip().upper()
    family = next((name for name in families() if name in wanted.split("-")), "")
    pool = [each for each in known if not family or known[each].family == family]
    return [known[each] for each in difflib.get_close_matches(wanted, pool, n=_NEAR, cutoff=0.5)]


def families() -> dict[str, str]:
    """Return what the codes of each family are about, by the family's letters."""
    return {
        "ALM": tr("alarms"),
        "API": tr("the local API"),
        "ARM": tr("arming"),
        "ASK": tr("questions and confirmations"),
        "AUD": tr("the audit trail"),
        "CAL": tr("calibrations of sensors"),
        "CFG": tr("files"),
        "DAT": tr("past trials and exports"),
        "DEV": tr("devices"),
        "FIT": tr("fits"),
        "HIS": tr("what was recorded"),
        "ILK": tr("interlocks and permissives"),
        "INT": tr("the program itself"),
        "LIM": tr("limits"),
        "LNK": tr("wires and addresses"),
        "LOT": tr("wash lots"),
        "LSE": tr("who holds the line"),
        "MCH": tr("the machine's commands and recipes"),
        "RES": tr("taking up a killed run"),
        "RUN": tr("runs"),
        "SEC": tr("secrets"),
        "SIM": tr("the simulated line"),
        "SRV": tr("whoever serves a line"),
        "STO": tr("the store"),
        "USB": tr("USB sticks"),
        "USE": tr("parts that are not installed"),
        "WRT": tr("writes"),
    }
