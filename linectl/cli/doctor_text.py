"""A diagnosis as a page for people, and as data for machines."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

from linectl.server.doctor.examine import ROOMS, Diagnosis
from linectl.server.doctor.finding import Finding, Level, worst
from linectl.words import ntr, tr

__all__ = ["as_data", "as_text"]

_INDENT = 14  # columns of the level
_WIDEST = 100
_NAMED = 4  # tags of which the same is said, by name; the rest is counted


def as_text(found: Diagnosis) -> str:
    """Return the page: a line for each room, its findings below it, the sum at the end."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    lines: list[str] = []
    for room in ROOMS:
        if room not in found.rooms:
            continue
        mine = [finding for finding in found.findings if finding.room == room]
        level = worst(mine)
        if level in {None, Level.NOTE}:
            lines += _wrapped(_of(room, found.rooms[room]), f"{tr('ok'):<{_INDENT}}", width, cut=True)
        for alike in _alike(mine):
            lines += _finding(alike, width)
    return "\n".join([*lines, "", _sum(found)])


def _of(room: str, text: str) -> str:
    return tr("{what}: {text}").format(what=_room(room), text=text)


def _alike(findings: list[Finding]) -> list[list[Finding]]:
    """Return the findings that say the same of several tags together."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.level, finding.code, finding.what, finding.do), []).append(finding)
    return list(groups.values())


def _finding(alike: list[Finding], width: int) -> Iterator[str]:
    levels = {Level.NOTE: tr("note"), Level.WARNING: tr("warning"), Level.ERROR: tr("ERROR")}
    finding = alike[0]
    where = _of(finding.room, str(finding.place)) if str(finding.place) else _room(finding.room)
    if len(alike) > 1:
        names = ", ".join(each.place.tag or each.place.address for each in alike[:_NAMED])
        more = f" ... ({len(alike)})" if len(alike) > _NAMED else ""
        where = _of(finding.room, f"{names}{more}, {finding.place.file}")
    mark = f"{levels[finding.level]:<{_INDENT}}"
    yield from _wrapped(where, mark, width)
    yield from _wrapped(finding.what, " " * _INDENT, width)
    if finding.do:
        yield from _wrapped(f"→ {finding.do}", " " * _INDENT, width)


def _wrapped(text: str, before: str, width: int, *, cut: bool = False) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=before,
        subsequent_indent=" " * (_INDENT + 2),
        break_long_words=cut,
        break_on_hyphens=False,
    )


def _room(room: str) -> str:
    words = {
        "config": tr("file"),
        "packages": tr("packages"),
        "clock": tr("clock"),
        "store": tr("store"),
        "secrets": tr("passwords"),
        "calibrations": tr("calibrations"),
        "ports": tr("serial ports"),
        "links": tr("links"),
        "units": tr("units"),
        "tags": tr("tags"),
        "devices": tr("instruments"),
        "topics": tr("topics"),
        "plc": tr("PLC"),
    }
    return words.get(room, room)


def _sum(found: Diagnosis) -> str:
    errors = sum(finding.level is Level.ERROR for finding in found.findings)
    warnings = sum(finding.level is Level.WARNING for finding in found.findings)
    if not errors and not warnings:
        return tr("nothing is wrong")
    told = [
        ntr("{n} error", "{n} errors", errors).format(n=errors) if errors else "",
        ntr("{n} warning", "{n} warnings", warnings).format(n=warnings) if warnings else "",
    ]
    return ", ".join(part for part in told if part)


def as_data(found: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis for machines."""
    return {
        "healthy": worst(found.findings) is not Level.ERROR,
        "rooms": [room for room in ROOMS if room in found.rooms],
        "findings": [
            {
                "level": str(finding.level),
                "room": finding.room,
                "code": finding.code,
                "what": finding.what,
                "do": finding.do,
                "tag": finding.place.tag or None,
                "address": finding.place.address or None,
                "file": finding.place.file or None,
            }
            for finding in found.findings
        ],
    }
