"""Short forms of an experiment file, written out before the schema looks: `soak: abort`, `[60, 1.5]`, one text.

What they are written out to keeps the place of what stands in the file, so that a mistake is told where it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.config.nodes import Document, Loc
from linectl.words import LANGUAGES, tr

__all__ = ["TREATMENT_KEYS", "write_out"]

TREATMENT_KEYS = ("temperature_c", "naoh_pct", "agitation_pct")
"""What the numbers of a treatment in square brackets mean, in their order."""


def write_out(document: Document) -> None:
    """Write out the short forms in `document`; what is neither short nor right is left to the schema."""
    data = document.data
    if not isinstance(data, dict):
        return
    rules = data.get("on_crash")
    if isinstance(rules, dict):
        data["on_crash"] = {phase: _rule(rule, ("on_crash", phase), document) for phase, rule in rules.items()}
    questions = data.get("questions")
    if isinstance(questions, tuple):
        data["questions"] = tuple(_question(item, ("questions", at), document) for at, item in enumerate(questions))
    design = data.get("design")
    if isinstance(design, dict):
        if isinstance(design.get("table"), tuple):
            design["table"] = tuple(
                _treatment(row, ("design", "table", at), document) for at, row in enumerate(design["table"])
            )
        if "centre" in design:
            design["centre"] = _treatment(design["centre"], ("design", "centre"), document)


def _rule(rule: Any, loc: Loc, document: Document) -> Any:
    """`soak: abort` -> `soak: {policy: abort}`."""
    if not isinstance(rule, str):
        return rule
    document.marks[(*loc, "policy")] = document.marks.get(loc, (1, 1))
    return {"policy": rule}


def _question(question: Any, loc: Loc, document: Document) -> Any:
    """`text: Which?` -> the same text in both languages."""
    if not isinstance(question, Mapping) or not isinstance(question.get("text"), str):
        return question
    for language in LANGUAGES:
        document.marks[(*loc, "text", language)] = document.marks.get((*loc, "text"), (1, 1))
    return {**question, "text": dict.fromkeys(LANGUAGES, question["text"])}


def _treatment(row: Any, loc: Loc, document: Document) -> Any:
    """`[60, 1.5, 80]` -> `{temperature_c: 60, naoh_pct: 1.5, agitation_pct: 80}`; too long a list is told."""
    if not isinstance(row, tuple):
        return row
    if len(row) > len(TREATMENT_KEYS):
        message = tr("{count} numbers; expected at most {most}: {keys}")
        keys = ", ".join(TREATMENT_KEYS)
        document.complain(loc, message.format(count=len(row), most=len(TREATMENT_KEYS), keys=keys))
        return row
    for number, key in enumerate(TREATMENT_KEYS[: len(row)]):
        document.marks[(*loc, key)] = document.marks.get((*loc, number), (1, 1))
    return dict(zip(TREATMENT_KEYS, row, strict=False))
