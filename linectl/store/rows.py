"""Records to rows and back: every SQL statement about runs, trials, bottles, checks and events stands here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from linectl.errors import Refused
from linectl.model.records import Bottle, Check, Event, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.words import tr

__all__ = [
    "BOTTLES",
    "CHECKS",
    "EVENTS",
    "RUNS",
    "TRIALS",
    "add_bottles",
    "add_checks",
    "add_event",
    "add_trials",
    "bottle_from",
    "check_from",
    "end_run",
    "event_data",
    "event_from",
    "run_from",
    "start_run",
    "trial_from",
    "trial_id",
    "update_bottle",
    "update_trial",
]

_RUN_COLUMNS = (
    *("id", "kind", "ref", "line", "state", "operator", "started_ns", "config_hash", "simulated", "definition"),
    *("version", "seed", "ended_ns", "exit_status", "reason", "calibration_hash", "speed"),
)
RUNS = f"SELECT {', '.join(_RUN_COLUMNS)} FROM run"  # noqa: S608  # the names above, no input
TRIALS = """SELECT run, ord, temperature_c, naoh_pct, replicate, block, state, started_ns, ended_ns, naoh_measured_pct
 FROM trial WHERE run = ? ORDER BY ord"""
BOTTLES = """SELECT t.run, t.ord, b.label, b.position, b.glue, b.inserted_ns, b.last_attached_ns, b.first_detached_ns,
 b.mode, b.residue_pct FROM bottle b JOIN trial t ON t.id = b.trial WHERE t.run = ? ORDER BY t.ord, b.id"""
CHECKS = """SELECT t.run, t.ord, b.label, c.planned_ns, c.done_ns, c.attached FROM bottle_check c
 JOIN bottle b ON b.id = c.bottle JOIN trial t ON t.id = b.trial WHERE t.run = ? ORDER BY t.ord, b.id, c.planned_ns"""
EVENTS = "SELECT ts_ns, kind, data, run FROM event WHERE run = ? ORDER BY id"

_ENDED_AS = {ExitStatus.SUCCESS: "complete", ExitStatus.ABORT: "aborted", ExitStatus.FAIL: "failed"}


def start_run(connection: sqlite3.Connection, run: Run) -> None:
    """Insert `run`; the very same run twice is one run.

    Raises:
        Refused: the id belongs to another run.
    """
    found = connection.execute(f"{RUNS} WHERE id = ?", (run.id,)).fetchone()
    if found is not None:
        if run_from(found) == run:
            return
        raise Refused(tr("the store already holds a run {run}").format(run=run.id))
    connection.execute(
        f"INSERT INTO run({', '.join(_RUN_COLUMNS)}) VALUES({', '.join('?' * len(_RUN_COLUMNS))})",
        (
            *(run.id, run.kind, run.ref, run.line, run.state, run.operator, run.started_ns, run.config_hash),
            *(int(run.simulated), run.definition, run.version, run.seed, run.ended_ns, run.exit_status, run.reason),
            *(run.calibration_hash, run.speed),
        ),
    )


def end_run(connection: sqlite3.Connection, run_id: str, status: ExitStatus, reason: str, ended_ns: int) -> None:
    """Mark how a run ended."""
    _must_touch(
        connection.execute(
            "UPDATE run SET state = ?, exit_status = ?, reason = ?, ended_ns = ? WHERE id = ?",
            (_ENDED_AS[status], status.value, reason, ended_ns, run_id),
        ),
        f"run {run_id}",
    )


def add_trials(connection: sqlite3.Connection, trials: Iterable[Trial]) -> None:
    """Insert `trials`, planned or under way."""
    connection.executemany(
        """INSERT INTO trial(run, ord, temperature_c, naoh_pct, replicate, block, state, started_ns, ended_ns,
 naoh_measured_pct) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (
                *(trial.run, trial.ord, trial.treatment.temperature_c, trial.treatment.naoh_pct, trial.replicate),
                *(trial.block, trial.state.value, trial.started_ns, trial.ended_ns, trial.naoh_measured_pct),
            )
            for trial in trials
        ],
    )


def update_trial(connection: sqlite3.Connection, trial: Trial) -> None:
    """Write what became of a trial: state, times (ns), measured NaOH (%)."""
    _must_touch(
        connection.execute(
            """UPDATE trial SET temperature_c = ?, naoh_pct = ?, replicate = ?, block = ?, state = ?, started_ns = ?,
 ended_ns = ?, naoh_measured_pct = ? WHERE run = ? AND ord = ?""",
            (
                *(trial.treatment.temperature_c, trial.treatment.naoh_pct, trial.replicate, trial.block),
                *(trial.state.value, trial.started_ns, trial.ended_ns, trial.naoh_measured_pct, trial.run, trial.ord),
            ),
        ),
        f"trial {trial.ord} of run {trial.run}",
    )


def add_bottles(connection: sqlite3.Connection, bottles: Iterable[Bottle]) -> None:
    """Insert `bottles` of trials that are there."""
    connection.executemany(
        """INSERT INTO bottle(trial, label, position, glue, inserted_ns, last_attached_ns, first_detached_ns, mode,
 residue_pct) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (
                *(trial_id(connection, bottle.run, bottle.trial), bottle.label, bottle.position, bottle.glue),
                *(bottle.inserted_ns, bottle.last_attached_ns, bottle.first_detached_ns),
                *(bottle.mode, bottle.residue_pct),
            )
            for bottle in bottles
        ],
    )


def update_bottle(connection: sqlite3.Connection, bottle: Bottle) -> None:
    """Write what was seen of a bottle; it is found by run, trial and label."""
    trial = trial_id(connection, bottle.run, bottle.trial)
    _must_touch(
        connection.execute(
            """UPDATE bottle SET position = ?, glue = ?, inserted_ns = ?, last_attached_ns = ?, first_detached_ns = ?,
 mode = ?, residue_pct = ? WHERE trial = ? AND label = ?""",
            (
                *(bottle.position, bottle.glue, bottle.inserted_ns, bottle.last_attached_ns),
                *(bottle.first_detached_ns, bottle.mode, bottle.residue_pct, trial, bottle.label),
            ),
        ),
        f"bottle {bottle.label} of trial {bottle.trial}, run {bottle.run}",
    )


def add_checks(connection: sqlite3.Connection, checks: Iterable[Check]) -> None:
    """Insert `checks`; a check that was stored as planned is overwritten by the same one as done."""
    connection.executemany(
        """INSERT INTO bottle_check(bottle, planned_ns, done_ns, attached) VALUES(?, ?, ?, ?)
 ON CONFLICT(bottle, planned_ns) DO UPDATE SET done_ns = excluded.done_ns, attached = excluded.attached""",
        [(_bottle_id(connection, check), check.planned_ns, check.done_ns, check.attached) for check in checks],
    )


def event_data(event: Event) -> str:
    """Return what an event tells as JSON.

    Raises:
        ValueError: a NaN or infinity, which is no JSON.
    """
    return json.dumps(dict(event.data), ensure_ascii=False, allow_nan=False, sort_keys=True, default=str)


def add_event(connection: sqlite3.Connection, event: Event, data: str) -> None:
    """Append `event`, whose data are already JSON."""
    connection.execute(
        "INSERT INTO event(ts_ns, run, kind, data) VALUES(?, ?, ?, ?)", (event.ts_ns, event.run, event.kind, data)
    )


def trial_id(connection: sqlite3.Connection, run: str, order: int) -> int:
    """Return the row id of a trial.

    Raises:
        LookupError: there is no such trial.
    """
    row = connection.execute("SELECT id FROM trial WHERE run = ? AND ord = ?", (run, order)).fetchone()
    if row is None:
        raise LookupError(f"run {run} has no trial {order}")
    return int(row[0])


def run_from(row: tuple[Any, ...]) -> Run:
    """Return the run of a row of `RUNS`."""
    values = dict(zip(_RUN_COLUMNS, row, strict=True))
    values["simulated"] = bool(values["simulated"])
    values["exit_status"] = ExitStatus(values["exit_status"]) if values["exit_status"] else None
    return Run(**values)


def trial_from(row: tuple[Any, ...]) -> Trial:
    """Return the trial of a row of `TRIALS`."""
    return Trial(row[0], row[1], Treatment(row[2], row[3]), row[4], row[5], TrialState(row[6]), *row[7:])


def bottle_from(row: tuple[Any, ...]) -> Bottle:
    """Return the bottle of a row of `BOTTLES`."""
    return Bottle(*row)


def check_from(row: tuple[Any, ...]) -> Check:
    """Return the check of a row of `CHECKS`."""
    return Check(row[0], row[1], row[2], row[3], row[4], None if row[5] is None else bool(row[5]))


def event_from(row: tuple[Any, ...]) -> Event:
    """Return the event of a row of `EVENTS`."""
    return Event(row[0], row[1], json.loads(row[2]), row[3])


def _bottle_id(connection: sqlite3.Connection, check: Check) -> int:
    row = connection.execute(
        "SELECT b.id FROM bottle b JOIN trial t ON t.id = b.trial WHERE t.run = ? AND t.ord = ? AND b.label = ?",
        (check.run, check.trial, check.bottle),
    ).fetchone()
    if row is None:
        raise LookupError(f"run {check.run}, trial {check.trial} has no bottle {check.bottle}")
    return int(row[0])


def _must_touch(cursor: sqlite3.Cursor, what: str) -> None:
    if cursor.rowcount != 1:
        raise LookupError(f"the store has no {what}")
