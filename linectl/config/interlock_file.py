"""Interlocks files -> `linectl.model.interlocks`, checked against the line that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path

from linectl.config.conditions import condition
from linectl.config.documents import parsed, stop_on_problems
from linectl.config.files import SourceText, find_file, is_file
from linectl.config.interlock_form import (
    GROUPS,
    CaseFile,
    InterlockFile,
    InterlocksFile,
    PermissiveFile,
    StepFile,
    write_out,
)
from linectl.config.nodes import Document, Loc
from linectl.config.schema import nearest, validate
from linectl.errors import ConfigError
from linectl.model.conditions import Condition, tags_of
from linectl.model.interlocks import (
    COMMANDS,
    Case,
    Expected,
    Given,
    Interlock,
    Interlocks,
    Permissive,
    Place,
    Step,
    TripPolicy,
    Untrusted,
)
from linectl.model.lines import LineDefinition, Tag
from linectl.words import tr

__all__ = ["INTERLOCK_FOLDER", "find_interlocks", "interlocks", "line_of_rules"]

INTERLOCK_FOLDER = "config/interlocks"

_UNTRUSTED = tuple(each.value for each in Untrusted)


def find_interlocks(name: str | Path) -> Path:
    """Return an interlocks file: as given, else among those that are shipped.

    Raises:
        ConfigError: it is in none of these places.
    """
    return find_file(name, folder=INTERLOCK_FOLDER)


def interlocks(source: SourceText, line_of: Callable[[Path], LineDefinition]) -> Interlocks:
    """Return what the text of an interlocks file describes, checked against the line that it names.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = parsed(source, "interlocks")
    write_out(document)
    file = validate(document, InterlocksFile)
    if file is None:
        stop_on_problems(document)
    assert file is not None
    made = _Reader(file, document, line_of_rules(file.line, document, line_of)).interlocks()
    stop_on_problems(document)
    return made


def line_of_rules(name: str, document: Document, line_of: Callable[[Path], LineDefinition]) -> LineDefinition | None:
    """Return the line `name` that a file names: in the folder above it, beside it, or a shipped one; None: unreadable.

    Why it is unreadable is added to the document.
    """
    home = Path(document.source.path).parent
    above = home.parent / name
    above = above if above.suffix in {".yaml", ".yml"} else above.with_name(f"{above.name}.yaml")
    try:
        return line_of(above if is_file(above) else find_file(name, beside=document.source.path))
    except ConfigError as error:
        document.complain(("line",), error.message)
        return None


class _Reader:
    """Turns the checked form into the model, and adds to the document what does not fit together."""

    def __init__(self, file: InterlocksFile, document: Document, line: LineDefinition | None) -> None:
        self._file = file
        self._document = document
        self._line = line
        self._tags: Mapping[str, Tag] | None = None if line is None else line.tags
        self._used: set[str] = set()
        self._all_read = True  # every condition, so that `_used` has all tags

    def interlocks(self) -> Interlocks:
        file, source = self._file, self._document.source
        if not any(_names_in(self._document, group) for group in GROUPS):
            self._document.complain((), tr("there is neither an interlock nor a permissive"))
        self._all_read = all(len(_names_in(self._document, group)) == len(getattr(file, group)) for group in GROUPS)
        made = {name: self._interlock(name, each) for name, each in file.interlocks.items()}
        allowed = {name: self._permissive(name, each) for name, each in file.permissives.items()}
        normal = dict(self._given(file.normal, ("normal",)))
        cases = tuple(self._case(each, ("cases", k)) for k, each in enumerate(file.cases))
        return Interlocks(
            name=file.name or Path(source.path).stem,
            line=file.line,
            interlocks={name: each for name, each in made.items() if each is not None},
            permissives={name: each for name, each in allowed.items() if each is not None},
            stale_s=self._stale(),
            normal=normal,
            cases=cases,
            description=file.description,
            source=source.path,
            file_hash=source.sha256,
        )

    def _interlock(self, name: str, each: InterlockFile) -> Interlock | None:
        loc: Loc = ("interlocks", name)
        policy = TripPolicy(each.action)
        if policy is TripPolicy.IGNORE and not each.reason.strip():
            self._document.complain((*loc, "action"), tr("an interlock that is ignored needs its `reason`"))
        if policy is not TripPolicy.IGNORE and each.reason:
            text = tr("only an ignored interlock has a reason; what people are to know goes into `message`")
            self._document.complain((*loc, "reason"), text)
        when = self._condition(each.when, (*loc, "when"))
        if when is None:
            return None
        return Interlock(
            name=name,
            when=when,
            text=each.when,
            action=policy,
            delay_s=each.delay_s,
            latched=each.latched,
            reason=each.reason.strip(),
            message=each.message.model_dump(),
            place=self._place(loc),
        )

    def _permissive(self, name: str, each: PermissiveFile) -> Permissive | None:
        loc: Loc = ("permissives", name)
        for number, what in enumerate(each.allows):
            self._check_allowed(what, (*loc, "allows", number))
        needs = self._condition(each.needs, (*loc, "needs"))
        if needs is None:
            return None
        return Permissive(name, needs, each.needs, each.allows, each.message.model_dump(), self._place(loc))

    def _condition(self, text: str, loc: Loc) -> Condition | None:
        found = condition(text, self._tags, partial(self._document.complain_in, loc))
        if found is None:
            self._all_read = False
        else:
            self._used.update(tags_of(found))
        return found

    def _check_allowed(self, what: str, loc: Loc) -> None:
        if self._tags is None or what in COMMANDS:
            return
        tag = self._tags.get(what)
        if tag is not None and tag.writable:
            return
        known = [*COMMANDS, *(name for name, each in self._tags.items() if each.writable)]
        text = tr("`{what}` is neither a command nor a tag that can be written; {nearest}")
        self._document.complain(loc, text.format(what=what, nearest=nearest(what, known)))

    def _stale(self) -> dict[str, float]:
        """Return the age in s from which a reading of each tag in use counts as none."""
        if self._line is None:
            return {}
        periods = {name: self._line.scans.get(self._line.tags[name].scan) for name in self._used & set(self._line.tags)}
        return {name: period * self._file.stale_scans for name, period in periods.items() if period is not None}

    # the cases

    def _case(self, case: CaseFile, loc: Loc) -> Case:
        steps = tuple(self._step(each, (*loc, "steps", k)) for k, each in enumerate(case.steps))
        for number, (one, next_one) in enumerate(pairwise(steps), 1):
            if next_one.at_s <= one.at_s:
                text = tr("{at:g} s: each step comes later than the one before it ({before:g} s)")
                where: Loc = (*loc, "steps", number, "at")
                self._document.complain(where, text.format(at=next_one.at_s, before=one.at_s))
        if not any(step.expected != Expected() for step in steps):
            text = tr("this case expects nothing; give a step `trips`, `lost`, `first_out` or `action`")
            self._document.complain(loc, text)
        return Case(case.name, steps, self._place(loc))

    def _step(self, step: StepFile, loc: Loc) -> Step:
        return Step(
            at_s=step.at,
            given=dict(self._given(step.given, (*loc, "given"))),
            reset=step.reset,
            expected=Expected(
                trips=self._names(step.trips, "interlocks", (*loc, "trips")),
                lost=self._names(step.lost, "permissives", (*loc, "lost")),
                first_out=self._names(step.first_out, "interlocks", (*loc, "first_out")),
                action=step.action,
            ),
            place=self._place(loc),
        )

    def _names(self, said: tuple[str, ...] | None, group: str, loc: Loc) -> frozenset[str] | None:
        if said is None:
            return None
        known = _names_in(self._document, group)
        for number, name in enumerate(said):
            if name not in known:
                text = tr("`{name}` is not known here; {nearest}")
                self._document.complain((*loc, number), text.format(name=name, nearest=nearest(name, known)))
        return frozenset(said)

    def _given(self, said: Mapping[str, str | bool | float], loc: Loc) -> Iterable[tuple[str, Given]]:
        for name, value in said.items():
            if self._given_fits(name, value, (*loc, name)):
                yield name, Untrusted(value) if isinstance(value, str) else value

    def _given_fits(self, name: str, value: str | bool | float, loc: Loc) -> bool:
        if self._tags is not None and self._all_read and name not in self._used:
            text = tr("no interlock or permissive here names {tag}; {nearest}")
            near = nearest(name, sorted(self._used))
            self._document.complain(loc, text.format(tag=name, nearest=near))
        if isinstance(value, str):
            if value in _UNTRUSTED:
                return True
            text = tr("`{value}` is no reading; give a number, true, false, or {words}")
            self._document.complain(loc, text.format(value=value[:40], words=", ".join(_UNTRUSTED)))
            return False
        tag = None if self._tags is None else self._tags.get(name)
        if tag is not None and (tag.dtype == "bool") != isinstance(value, bool):
            text = tr("{tag} is true or false") if tag.dtype == "bool" else tr("{tag} is a number in {unit}")
            self._document.complain(loc, text.format(tag=name, unit=tag.unit or "1"))
        elif tag is not None and not isinstance(value, bool) and _outside(tag, value):
            text = tr("{value:g} is outside the range of {tag}: such a reading is `bad`")
            self._document.complain(loc, text.format(value=value, tag=name))
        return True

    def _place(self, loc: Loc) -> Place:
        at = self._document.problem(loc, "")
        return at.file, at.line, at.column


def _names_in(document: Document, group: str) -> list[str]:
    """Return the names that the file gives, those of wrong entries too: to name them is no second mistake."""
    entries = document.data.get(group)
    return list(entries) if isinstance(entries, Mapping) else []


def _outside(tag: Tag, value: float) -> bool:
    return (tag.low is not None and value < tag.low) or (tag.high is not None and value > tag.high)
