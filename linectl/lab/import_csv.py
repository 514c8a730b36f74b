"""Past trials from a spreadsheet: one row per bottle, checked as a whole, stored as a run of kind "import".

Columns: bottle, glue, bath, naoh_pct, lo_s (label last seen on, since this bottle went in), hi_s (first seen off;
empty, `inf`, `>900` or `still on`: on at the last look, which is lo_s), and temperature_c or trace (a CSV beside the
file with t_s and temperature_c). Optional: inserted_s (into the bath, on the trace's clock), position, replicate, and
n_bottles (how many went into the bath). Titles may be French, with accents, and with the unit in brackets.

Units: times may be in s, min or h and are converted. Temperatures are in °C and NaOH in % by mass; anything else, or
no unit at all, is refused with its column, unless `Units` say what the values are in. Non-releases that seem to have
been left out are looked for in `dropped`. Each problem bears its code (`import_codes`).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import fmean

from linectl.errors import ConfigError, Problem
from linectl.lab.doubts import look_for_doubts
from linectl.lab.dropped import look_for_dropped
from linectl.lab.import_codes import ImportCode
from linectl.lab.import_trace import CELSIUS, TIME, UNITS_AS_WRITTEN, Units, read_trace, temperature
from linectl.lab.past_trials import ImportedBath, ImportedBottle, ImportedTrials
from linectl.lab.spreadsheet import Cell, Column, Row, Sheet, read_sheet
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout
from linectl.model.records import Bottle, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.store.store import Store, new_run_id
from linectl.units import s_to_ns
from linectl.words import tr, with_comma

__all__ = ["IMPORT_TAGS", "ImportedBath", "ImportedBottle", "ImportedTrials", "Units", "read_trials", "store_import"]

IMPORT_TAGS: Mapping[str, tuple[str, str]] = {"bath.temperature": ("°C", "float")}

_PERCENT = {"pct": 1.0, "percent": 1.0, "pourcent": 1.0}
_COLUMNS = (
    Column("bottle", "bottle", ("bottle", "bouteille")),
    Column("glue", "glue", ("glue", "colle")),
    Column("bath", "bath", ("bath", "bain", "trial", "essai")),
    Column("temperature", "temperature_c", ("temperature", "temp"), CELSIUS),
    Column("trace", "trace", ("trace", "trace_file", "fichier_trace")),
    Column("naoh", "naoh_pct", ("naoh", "soude"), _PERCENT),
    Column("lo", "lo_s", ("lo", "derniere_vue_collee"), TIME),
    Column("hi", "hi_s", ("hi", "premiere_vue_decollee"), TIME),
    Column("inserted", "inserted_s", ("inserted", "inseree"), TIME),
    Column("position", "position", ("position",)),
    Column("replicate", "replicate", ("replicate", "replicat", "repetition")),
    Column("n_bottles", "n_bottles", ("n_bottles", "n_bouteilles")),
)
_STILL_ON = {"", "inf", "+inf", "∞", "still on", "toujours collee", "toujours collée"}
_NAOH_MOST_PCT = 10.0  # soaks use up to 5 %; 15 is a bath of 1.5 % in g/L


def read_trials(path: Path, *, glues: Collection[str] | None = None, units: Units = UNITS_AS_WRITTEN) -> ImportedTrials:
    """Return the trials in the CSV file `path`; `glues` are the only ones known, when they are given.

    Raises:
        ConfigError: every problem at once, with file, line, column and code; nothing of the file can be used. Its own
            code is that of the problems, when they are all of one kind.
    """
    content = _content(path)
    required = ("bottle", "glue", "bath", "naoh", "lo", "hi")
    sheet = read_sheet(path, content, [units.column(column) for column in _COLUMNS], required)
    _must_have_rows(sheet)
    _raise(sheet)
    bottles = [bottle for row in sheet.rows if (bottle := _bottle(sheet, row))]
    _refuse_doubles(sheet)
    reading = _Baths(path, sheet, units)
    baths = reading.read()
    warnings: list[Problem] = []
    if not sheet.problems:
        warnings = look_for_dropped(sheet, bottles)
    warnings += look_for_doubts(sheet, bottles, baths, glues=glues, time_unit=units.time)
    _raise(sheet)
    return ImportedTrials(
        file=path.name,
        file_hash=hashlib.sha256(content).hexdigest(),
        text=content.decode("utf-8-sig", "replace"),
        baths=tuple(baths),
        bottles=tuple(bottles),
        warnings=(*warnings, *reading.warnings),
    )


def _must_have_rows(sheet: Sheet) -> None:
    if "temperature" not in sheet.headers and "trace" not in sheet.headers:
        text = tr("no column temperature_c, nor trace")
        sheet.problems.append(Problem(sheet.file, 1, 1, tr("header"), text, ImportCode.COLUMNS))
    if not sheet.rows and not sheet.problems:
        sheet.problems.append(Problem(sheet.file, 1, 1, "", tr("the file has no rows"), ImportCode.COLUMNS))


def _raise(sheet: Sheet) -> None:
    if sheet.problems:
        codes = {problem.code for problem in sheet.problems}
        raise ConfigError(
            sorted(sheet.problems, key=lambda problem: (problem.file, problem.line, problem.column)),
            code=codes.pop() if len(codes) == 1 else ImportCode.SEVERAL,
        )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        text = tr("{file} cannot be read: {error}").format(file=path, error=error.strerror)
        raise ConfigError(text, code=ImportCode.UNREADABLE) from error


def _bottle(sheet: Sheet, row: Row) -> ImportedBottle | None:
    """Return the bottle of `row`, or None when its problems were noted."""
    before = len(sheet.problems)
    for name in ("bottle", "glue", "bath"):
        if not row.cells[name].text:
            sheet.problem(row.cells[name], tr("is empty"), ImportCode.VALUE)
    lo_s, hi_s = _interval(sheet, row.cells["lo"], row.cells["hi"])
    inserted_s = _optional(sheet, row, "inserted")
    if inserted_s < 0:
        sheet.problem(row.cells["inserted"], tr("a time cannot be negative"), ImportCode.VALUE)
    position = _whole(sheet, row, "position")
    if len(sheet.problems) > before or lo_s is None:
        return None
    label, glue, bath = (row.cells[name].text for name in ("bottle", "glue", "bath"))
    return ImportedBottle(label, glue, bath, lo_s, hi_s, inserted_s, position, row.line)


def _whole(sheet: Sheet, row: Row, name: str) -> int:
    """Return a count, 0 when it is not told."""
    value = _optional(sheet, row, name)
    if value < 0 or not value.is_integer():
        sheet.problem(row.cells[name], tr("expected a whole number"), ImportCode.VALUE)
    return int(value)


def _optional(sheet: Sheet, row: Row, name: str) -> float:
    cell = row.cells.get(name)
    return 0.0 if cell is None or not cell.text else sheet.number(cell) or 0.0


def _interval(sheet: Sheet, lo: Cell, hi: Cell) -> tuple[float | None, float | None]:
    """Return last seen on and first seen off in s (None: never); problems leave the first None."""
    if hi.text.startswith(">"):
        return _still_on_after(sheet, lo, hi), None
    if not lo.text:
        text = tr("is empty; write 0 for a label off at the first look, the last look for one still on")
        sheet.problem(lo, text, ImportCode.NEVER_LOOKED)
        return None, None
    lo_s = _not_negative(sheet, lo, sheet.number(lo))
    if hi.text.casefold() in _STILL_ON:
        if lo_s == 0:
            text = tr("said to be still on, but never looked at; write the time of the last look")
            sheet.problem(lo, text, ImportCode.NEVER_LOOKED)
        return lo_s, None
    hi_s = sheet.number(hi)
    if lo_s is not None and hi_s is not None and lo_s >= hi_s:
        swapped = tr("the interval's ends are swapped: seen off at {hi}, before seen on at {lo}")
        same = tr("seen off at {hi} and on at {lo}: a look gives an interval, last seen on before first seen off")
        text = (swapped if lo_s > hi_s else same).format(hi=hi.text, lo=lo.text)
        sheet.problem(hi, text, ImportCode.CHECKS_OUT_OF_ORDER)
    return (None if hi_s is None else lo_s), hi_s


def _still_on_after(sheet: Sheet, lo: Cell, hi: Cell) -> float | None:
    """Return the last look of a hi like `>900`; a lo beside it must say the same."""
    after_s = _not_negative(sheet, hi, sheet.number(hi, hi.text.removeprefix(">").strip()))
    lo_s = sheet.number(lo) if lo.text else after_s
    if after_s is not None and lo_s is not None and lo_s != after_s:
        text = tr("still on after {hi}, but the last look in lo is {lo}").format(hi=hi.text, lo=lo.text)
        sheet.problem(hi, text, ImportCode.NEVER_LOOKED)
        return None
    return after_s


def _not_negative(sheet: Sheet, cell: Cell, seconds: float | None) -> float | None:
    if seconds is not None and seconds < 0:
        sheet.problem(cell, tr("a time cannot be negative"), ImportCode.VALUE)
        return None
    return seconds


def _refuse_doubles(sheet: Sheet) -> None:
    first: dict[tuple[str, str], int] = {}
    for row in sheet.rows:
        key = (row.cells["bath"].text, row.cells["bottle"].text)
        if key in first and all(key):
            text = tr("bottle {bottle} of bath {bath} is already in line {line}; keep one, or give it another name")
            told = text.format(bottle=key[1], bath=key[0], line=first[key])
            sheet.problem(row.cells["bottle"], told, ImportCode.DUPLICATE_BOTTLE)
        first.setdefault(key, row.line)


@dataclass(slots=True)
class _Baths:
    """Reads what a sheet says of its baths; every row of a bath must say the same."""

    path: Path
    sheet: Sheet
    units: Units
    warnings: list[Problem] = field(default_factory=list)
    _repeats: Counter[tuple[float, float]] = field(default_factory=Counter)

    def read(self) -> list[ImportedBath]:
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in self.sheet.rows:
            rows[row.cells["bath"].text].append(row)
        return [bath for name, mine in rows.items() if (bath := self._bath(name, mine))]

    def _bath(self, name: str, rows: list[Row]) -> ImportedBath | None:
        for column in ("temperature", "trace", "naoh", "replicate", "n_bottles"):
            self._must_agree(name, [row.cells[column] for row in rows if column in row.cells])
        cells = rows[0].cells
        naoh_pct = self._naoh(cells["naoh"])
        trace = self._trace(cells)
        temperature_c = fmean(value for _, value in trace) if trace else self._temperature(cells)
        if temperature_c is None or naoh_pct is None:
            return None
        self._repeats[temperature_c, naoh_pct] += 1
        told = _whole(self.sheet, rows[0], "replicate")
        return ImportedBath(name, temperature_c, naoh_pct, told or self._repeats[temperature_c, naoh_pct], trace)

    def _trace(self, cells: Mapping[str, Cell]) -> tuple[tuple[float, float], ...]:
        if "trace" not in cells or not cells["trace"].text:
            return ()
        trace = read_trace(self.path, self.sheet, cells["trace"], self.units)
        self.warnings += trace.warnings
        return trace.points

    def _temperature(self, cells: Mapping[str, Cell]) -> float | None:
        if "temperature" in cells and (cells["temperature"].text or "trace" not in cells):
            return temperature(self.sheet, cells["temperature"], self.units)
        if not cells["trace"].text:
            text = tr("this bath has neither a trace nor a temperature")
            self.sheet.problem(cells["trace"], text, ImportCode.VALUE)
        return None

    def _must_agree(self, name: str, cells: list[Cell]) -> None:
        for cell in cells[1:]:
            if cell.text != cells[0].text:
                text = tr("{text!r}, but line {line} says {other!r} of the same bath {bath}")
                told = text.format(text=cell.text, line=cells[0].line, other=cells[0].text, bath=name)
                self.sheet.problem(cell, told, ImportCode.BATH_DISAGREES)

    def _naoh(self, cell: Cell) -> float | None:
        value = self.sheet.number(cell)
        if value is not None and not 0 <= value <= _NAOH_MOST_PCT:
            text = tr("{value:g} % NaOH is outside 0 to {most:g} %; is it in g/L? divide by 10")
            self.sheet.problem(cell, with_comma(text.format(value=value, most=_NAOH_MOST_PCT)), ImportCode.NAOH)
        return value


async def store_import(store: Store, trials: ImportedTrials, *, operator: str, clock_ns: int) -> str:
    """Write `trials` as one run of kind "import" that began at `clock_ns`; return its id.

    The file has elapsed times alone: bottles and traces count from time 0, each bath from its own. Give the store
    `IMPORT_TAGS`, or a line's tags.
    """
    run_id = new_run_id(clock_ns, f"{trials.file_hash}/{clock_ns}")
    run = Run(
        id=run_id,
        kind="import",
        ref=trials.file,
        line="-",
        state="running",
        operator=operator,
        started_ns=clock_ns,
        config_hash=trials.file_hash,
        simulated=False,
        definition=trials.text,
        version=importlib.metadata.version("linectl"),
    )
    await store.start_run(run)
    orders = {bath.name: order for order, bath in enumerate(trials.baths, start=1)}
    await store.add_trials([_trial(run_id, orders[bath.name], bath, trials.bottles) for bath in trials.baths])
    await store.add_bottles([_stored(run_id, orders[bottle.bath], bottle) for bottle in trials.bottles])
    scans = count(1)
    for bath in trials.baths:
        if bath.trace:
            await store.start_span(run_id, orders[bath.name], "bath")
            for t_s, value in bath.trace:
                store.log_scan(_scan(run_id, next(scans), s_to_ns(t_s), value))
            await store.end_span(run_id, orders[bath.name], "bath")
    await store.end_run(run_id, ExitStatus.SUCCESS, "", clock_ns)
    return run_id


def _trial(run_id: str, order: int, bath: ImportedBath, bottles: tuple[ImportedBottle, ...]) -> Trial:
    ends = [
        bottle.inserted_s + (bottle.lo_s if bottle.hi_s is None else bottle.hi_s)
        for bottle in bottles
        if bottle.bath == bath.name
    ]
    return Trial(
        run=run_id,
        ord=order,
        treatment=Treatment(bath.temperature_c, bath.naoh_pct),
        replicate=bath.replicate,
        block=bath.name,
        state=TrialState.COMPLETE,
        started_ns=0,
        ended_ns=s_to_ns(max(ends, default=0.0)),
    )


def _stored(run_id: str, order: int, bottle: ImportedBottle) -> Bottle:
    return Bottle(
        run=run_id,
        trial=order,
        label=bottle.label,
        position=bottle.position,
        glue=bottle.glue,
        inserted_ns=s_to_ns(bottle.inserted_s),
        last_attached_ns=s_to_ns(bottle.inserted_s + bottle.lo_s),
        first_detached_ns=None if bottle.hi_s is None else s_to_ns(bottle.inserted_s + bottle.hi_s),
    )


_LAYOUT = ScanLayout("bath", 0.0, ("bath.temperature",))


def _scan(run_id: str, sequence: int, ns: int, temperature_c: float) -> Scan:
    reading = Reading("bath.temperature", temperature_c, GOOD, ns, ns, sequence)
    return Scan(_LAYOUT, run_id, sequence, ns, ns, (reading,))
