"""Records to rows and back: every SQL statement about runs, trials, bottles, checks and events stands here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from linectl.errors import Refused
from linectl.model.records import Bottle, Check, Event, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.store import audit
from linectl.words import tr

__all__ = [
    "BOTTLES",
    "CHECKS",
    "EVENTS",
    "EVENTS_OF_KIND",
    "LAST_NS",
    "LAST_OF_EACH_ALARM",
    "LAST_OF_KIND",
    "RUNS",
    "SHOW_VERSION_1_AS_2",
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
    "take_up_run",
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
TRIALS = """SELECT run, ord, temperature_c, naoh_pct, agitation_pct, replicate, block, state, started_ns, ended_ns,
 naoh_measured_pct FROM trial WHERE run = ? ORDER BY ord"""
# A bottle's row is written when its label is off and when its bath ends. Until then (also after a kill) what was seen
# of it stands in its checks: the first look without the label, and the last one with it before that.
BOTTLES = """SELECT run, ord, label, position, glue, inserted_ns,
 CASE WHEN open THEN coalesce((SELECT max(c.done_ns) FROM bottle_check c WHERE c.bottle = id AND c.examiner = ''
  AND c.attached = 1 AND c.done_ns < coalesce(off_ns, 9223372036854775807)), last_attached_ns,
  CASE WHEN off_ns IS NULL THEN NULL ELSE inserted_ns END) ELSE last_attached_ns END,
 off_ns, mode, residue_pct, code, factors FROM (
 SELECT b.*, t.run, t.ord, t.state = 'running' AND b.first_detached_ns IS NULL AS open,
  CASE WHEN t.state = 'running' AND b.first_detached_ns IS NULL THEN
   (SELECT min(c.done_ns) FROM bottle_check c WHERE c.bottle = b.id AND c.examiner = '' AND c.attached = 0)
   ELSE b.first_detached_ns END AS off_ns
  FROM bottle b JOIN trial t ON t.id = b.trial WHERE t.run = ?) ORDER BY ord, id"""
CHECKS = """SELECT t.run, t.ord, b.label, c.planned_ns, c.done_ns, c.attached, c.examiner FROM bottle_check c
 JOIN bottle b ON b.id = c.bottle JOIN trial t ON t.id = b.trial
 WHERE t.run = ? ORDER BY t.ord, b.id, c.planned_ns, c.examiner"""
EVENTS = "SELECT ts_ns, kind, data, run FROM event WHERE run = ? ORDER BY id"
EVENTS_OF_KIND = "SELECT ts_ns, kind, data, run FROM event WHERE kind = ? ORDER BY id"
LAST_OF_KIND = "SELECT ts_ns, kind, data, run FROM event WHERE kind = ? ORDER BY id DESC LIMIT ?"
LAST_NS = """SELECT max(ns) FROM (SELECT max(t1) AS ns FROM hot
 UNION ALL SELECT ts_ns FROM (SELECT ts_ns FROM event ORDER BY id DESC LIMIT 1))"""
LAST_OF_EACH_ALARM = """
SELECT ts_ns, kind, data, run FROM event WHERE id IN (
  SELECT max(id) FROM event WHERE kind = 'alarm' AND json_extract(data, '$.entry') IS NOT NULL
  GROUP BY json_extract(data, '$.alarm')
) ORDER BY id
"""
# A store that no writer has opened since is read through views of this connection that stand before its tables.
SHOW_VERSION_1_AS_2 = """
CREATE TEMP VIEW trial AS SELECT *, NULL AS agitation_pct FROM main.trial;
CREATE TEMP VIEW bottle AS SELECT *, '' AS code, '{}' AS factors FROM main.bottle;
CREATE TEMP VIEW bottle_check AS SELECT *, '' AS examiner FROM main.bottle_check;
"""

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


def take_up_run(connection: sqlite3.Connection, run_id: str) -> None:
    """Open a run that was killed, or closed as failed after that, for writing again: running, with no end.

    Raises:
        Refused: the run ended otherwise, or is going on.
    """
    row = connection.execute(f"{RUNS} WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise LookupError(f"the store has no run {run_id}")
    run = run_from(row)
    if run.exit_status is not ExitStatus.FAIL and run.state != "interrupted":
        raise Refused(tr("run {run} was not killed: there is nothing to take up").format(run=run_id))
    connection.execute(
        "UPDATE run SET state = 'running', exit_status = NULL, ended_ns = NULL, reason = '' WHERE id = ?", (run_id,)
    )


def add_trials(connection: sqlite3.Connection, trials: Iterable[Trial]) -> None:
    """Insert `trials`, planned or under way."""
    connection.executemany(
        """INSERT INTO trial(run, ord, temperature_c, naoh_pct, agitation_pct, replicate, block, state, started_ns,
 ended_ns, naoh_measured_pct) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (
                *(trial.run, trial.ord, *_levels(trial.treatment), trial.replicate),
                *(trial.block, trial.state.value, trial.started_ns, trial.ended_ns, trial.naoh_measured_pct),
            )
            for trial in trials
        ],
    )


def update_trial(connection: sqlite3.Connection, trial: Trial) -> None:
    """Write what became of a trial: treatment, state, times (ns), measured NaOH (%)."""
    _must_touch(
        connection.execute(
            """UPDATE trial SET temperature_c = ?, naoh_pct = ?, agitation_pct = ?, replicate = ?, block = ?, state = ?,
 started_ns = ?, ended_ns = ?, naoh_measured_pct = ? WHERE run = ? AND ord = ?""",
            (
                *(*_levels(trial.treatment), trial.replicate, trial.block),
                *(trial.state.value, trial.started_ns, trial.ended_ns, trial.naoh_measured_pct, trial.run, trial.ord),
            ),
        ),
        f"trial {trial.ord} of run {trial.run}",
    )


def add_bottles(connection: sqlite3.Connection, bottles: Iterable[Bottle]) -> None:
    """Insert `bottles` of trials that are there."""
    connection.executemany(
        """INSERT INTO bottle(trial, label, position, glue, inserted_ns, last_attached_ns, first_detached_ns, mode,
 residue_pct, code, factors) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (
                *(trial_id(connection, bottle.run, bottle.trial), bottle.label, bottle.position, bottle.glue),
                *(bottle.inserted_ns, bottle.last_attached_ns, bottle.first_detached_ns),
                *(bottle.mode, bottle.residue_pct, bottle.code, _factors(bottle)),
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
 mode = ?, residue_pct = ?, code = ?, factors = ? WHERE trial = ? AND label = ?""",
            (
                *(bottle.position, bottle.glue, bottle.inserted_ns, bottle.last_attached_ns),
                *(bottle.first_detached_ns, bottle.mode, bottle.residue_pct, bottle.code, _factors(bottle)),
                *(trial, bottle.label),
            ),
        ),
        f"bottle {bottle.label} of trial {bottle.trial}, run {bottle.run}",
    )


def add_checks(connection: sqlite3.Connection, checks: Iterable[Check]) -> None:
    """Insert `checks`; a check stored as planned is overwritten by the same one (same examiner) as done."""
    connection.executemany(
        """INSERT INTO bottle_check(bottle, planned_ns, examiner, done_ns, attached) VALUES(?, ?, ?, ?, ?)
 ON CONFLICT(bottle, planned_ns, examiner)
 DO UPDATE SET done_ns = excluded.done_ns, attached = excluded.attached""",
        [
            (_bottle_id(connection, check), check.planned_ns, check.examiner, check.done_ns, check.attached)
            for check in checks
        ],
    )


def event_data(event: Event) -> str:
    """Return what an event tells as JSON.

    Raises:
        ValueError: a NaN or infinity, which is no JSON.
    """
    return json.dumps(dict(event.data), ensure_ascii=False, allow_nan=False, sort_keys=True, default=str)


def add_event(connection: sqlite3.Connection, event: Event, data: str) -> None:
    """Append `event`, whose data are already JSON, and what it is in the audit trail."""
    connection.execute(
        "INSERT INTO event(ts_ns, run, kind, data) VALUES(?, ?, ?, ?)", (event.ts_ns, event.run, event.kind, data)
    )
    if event.act is not None:
        audit.append(connection, event.act)


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
    return Trial(row[0], row[1], Treatment(*row[2:5]), row[5], row[6], TrialState(row[7]), *row[8:])


def bottle_from(row: tuple[Any, ...]) -> Bottle:
    """Return the bottle of a row of `BOTTLES`."""
    return Bottle(*[*row[:11], json.loads(row[11])])


def check_from(row: tuple[Any, ...]) -> Check:
    """Return the check of a row of `CHECKS`."""
    return Check(*[*row[:5], None if row[5] is None else bool(row[5]), row[6]])


def event_from(row: tuple[Any, ...]) -> Event:
    """Return the event of a row of `EVENTS`."""
    return Event(row[0], row[1], json.loads(row[2]), row[3])


def _levels(treatment: Treatment) -> tuple[float, float, float | None]:
    return treatment.temperature_c, treatment.naoh_pct, treatment.agitation_pct


def _factors(bottle: Bottle) -> str:
    return json.dumps(dict(bottle.factors), ensure_ascii=False, sort_keys=True)


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
