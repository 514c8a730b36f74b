"""`linectl config test`: play the cases that stand beside interlocks and permissives."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.options import common
from linectl.words import ntr, number, tr

if TYPE_CHECKING:
    from linectl.errors import Problem
    from linectl.line.interlock_cases import Difference, Gap, Proof
    from linectl.model.interlocks import Interlocks, Place

__all__ = ["command"]


@click.command(
    "test", help=tr("Play the test cases in an interlocks FILE; exit code 3 when one does not come out as it says.")
)
@click.argument("file", type=click.Path(path_type=Path))
@common
def command(file: Path, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Play, and tell of each case, then of what no case shows."""
    from linectl.config.interlock_file import find_interlocks
    from linectl.config.load import load_interlocks
    from linectl.line.interlock_cases import prove

    rules = load_interlocks(find_interlocks(file))
    proof = prove(rules)
    if as_json:
        _emit(rules, proof)
    else:
        for line in _lines(rules, proof):
            click.echo(line)
    return 0 if proof.passed else 3


def _lines(rules: Interlocks, proof: Proof) -> Iterator[str]:
    for result in proof.results:
        word = tr("pass") if result.passed else tr("FAIL")
        yield f"{_at(result.case.place)}: {word}: {result.case.name}"
        for difference in result.differences:
            yield f"  {_at(difference.step.place)}: {_difference(difference)}"
    for gap in proof.gaps:
        yield tr("{place}: warning: {text}").format(place=_at(_place(rules, gap)), text=_gap(gap))
    cases, failed = len(proof.results), sum(not each.passed for each in proof.results)
    yield ", ".join(
        [
            ntr("{n} case", "{n} cases", cases).format(n=cases),
            ntr("{n} failed", "{n} failed", failed).format(n=failed),
            ntr("{n} warning", "{n} warnings", len(proof.gaps)).format(n=len(proof.gaps)),
        ]
    )


def _difference(each: Difference) -> str:
    heads = {
        "trips": tr("tripped"),
        "lost": tr("permissives lost"),
        "first_out": tr("first-out"),
        "action": tr("action"),
    }
    text = tr("at {at} s: {what}: expected {expected}, got {got}")
    return text.format(
        at=number(each.step.at_s), what=heads[each.what], expected=_names(each.expected), got=_names(each.got)
    )


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or tr("nothing")


def _gap(gap: Gap) -> str:
    texts = {
        "trips": tr("no case trips {name} by its condition"),
        "untripped": tr("no case leaves {name} untripped"),
        "holds": tr("no case has {name} hold"),
        "lost": tr("no case has {name} lost by its condition"),
    }
    return texts[gap.what].format(name=gap.name)


def _place(rules: Interlocks, gap: Gap) -> Place:
    return (rules.interlocks if gap.what in {"trips", "untripped"} else rules.permissives)[gap.name].place


def _at(place: Place) -> str:
    return ":".join(map(str, place))


def _emit(rules: Interlocks, proof: Proof) -> None:
    from linectl.cli.output import envelope
    from linectl.errors import ConfigError

    error = None if proof.passed else ConfigError(_problems(proof), code="E-CFG-003")
    sys.stdout.write(envelope("config_test", _as_data(rules, proof), error) + "\n")


def _problems(proof: Proof) -> list[Problem]:
    from linectl.errors import Problem

    return [
        Problem(*each.step.place, result.case.name, _difference(each))
        for result in proof.results
        for each in result.differences
    ]


def _as_data(rules: Interlocks, proof: Proof) -> dict[str, Any]:
    return {
        "file": rules.source,
        "file_hash": rules.file_hash,
        "name": rules.name,
        "line": rules.line,
        "cases": [
            {
                "name": result.case.name,
                "place": _at(result.case.place),
                "passed": result.passed,
                "differences": [
                    {
                        "place": _at(each.step.place),
                        "at_s": each.step.at_s,
                        "what": each.what,
                        "expected": list(each.expected),
                        "got": list(each.got),
                    }
                    for each in result.differences
                ],
            }
            for result in proof.results
        ],
        "warnings": [
            {"place": _at(_place(rules, gap)), "name": gap.name, "no_case_shows": gap.what} for gap in proof.gaps
        ],
    }
