"""How a write ended, for people: the outcome in a line, or the error with its code and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linectl.errors import DeviceError, LinectlError, Refused, Unreachable
from linectl.words import tr
from linectl.words.durations import duration_text

__all__ = ["Told", "back_words_of", "error_of", "refused_by", "told_of", "words_of"]

_REFUSED_CODES = {  # by `refused_by` of a report; "link" has a remedy of its own
    "unknown_tag": "E-WRT-UNKNOWN_TAG",
    "not_writable": "E-WRT-NOT_WRITABLE",
    "lease": "E-WRT-LEASE",
    "range": "E-WRT-RANGE",
    "limit": "E-WRT-LIMIT",
    "step": "E-WRT-STEP",
    "rate": "E-WRT-RATE",
    "soft": "E-WRT-SOFT",
    "interlock": "E-WRT-INTERLOCK",
    "arming": "E-ARM-001",
    "device": "E-WRT-DEVICE",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A report of a write, its values as people read them with their units; `line` names it in commands to copy."""

    tag: str
    outcome: str
    asked: str
    got: str = ""
    before: str = ""
    back_to: str = ""
    refused_by: str = ""
    detail: str = ""
    ends_in_s: float | None = None
    line: str = "LINE"


def told_of(data: Mapping[str, Any], line: str) -> Told:
    """Return what a server's answer to `set` or `undo` tells."""
    shown: Mapping[str, str] = data["shown"]
    return Told(
        tag=data["tag"],
        outcome=data["outcome"],
        asked=shown["asked"],
        got=shown.get("got", ""),
        before=shown.get("before", ""),
        back_to=shown.get("back_to", ""),
        refused_by=data["refused_by"],
        detail=data["detail"],
        ends_in_s=data["ends_in_s"],
        line=line,
    )


def words_of(told: Told) -> str:
    """Return the line that tells of a write that ended, or goes on, as it was asked."""
    left = "" if told.ends_in_s is None else duration_text(told.ends_in_s)
    if told.outcome == "ramping":
        text = tr("{tag}: on its way from {now} to {value}, there in {left}")
        return text.format(tag=told.tag, now=told.before, value=told.asked, left=left)
    if told.outcome == "possible":
        text = tr("{tag}: nothing stands against {value} (now {now}); nothing was written")
        return text.format(tag=told.tag, value=told.asked, now=told.before or "?")
    text = tr("{tag}: confirmed, {value}").format(tag=told.tag, value=told.got or told.asked)
    if not told.back_to:
        return text
    return tr("{what}; back to {value} in {left}").format(what=text, value=told.back_to, left=left)


def back_words_of(told: Told) -> str:
    """Return the line that tells of the last write taken back: from which value to which."""
    if told.outcome != "confirmed" or not told.before:
        return words_of(told)
    if told.before == (told.got or told.asked):
        return tr("{tag}: its ramp was ended, it stands at {value}").format(tag=told.tag, value=told.before)
    text = tr("{tag}: taken back from {before} to {value}, confirmed")
    return text.format(tag=told.tag, before=told.before, value=told.got or told.asked)


def error_of(told: Told) -> LinectlError | None:
    """Return what is told of a write that did not end as asked, None for one that did."""
    match told.outcome:
        case "refused" if told.refused_by == "link":
            text = tr("{tag}: nothing was sent, the wire does not reach it").format(tag=told.tag)
            hint = tr("see why: linectl doctor {file}").format(file=told.line)
            return Unreachable(_with(text, told), hint=hint, code="E-WRT-LINK")
        case "refused":
            text = tr("{tag}: refused by {by}").format(tag=told.tag, by=refused_by(told.refused_by))
            hint = _ways(told.refused_by)
            return Refused(_with(text, told), hint=hint, code=_REFUSED_CODES.get(told.refused_by, ""))
        case "clamped":
            text = tr("{tag}: the device kept {got} where {asked} was asked")
            message = text.format(tag=told.tag, got=told.got, asked=told.asked)
            hint = tr(
                "the device has a limit of its own there, or holds an alarm (linectl alarms): "
                "both are seen to on the device"
            )
            return DeviceError(_with(message, told), hint=hint, code="E-WRT-CLAMPED")
        case "unknown":
            text = tr("{tag}: nobody knows whether it was written").format(tag=told.tag)
            hint = tr("read it: linectl tags read {file} {tag}").format(file=told.line, tag=told.tag)
            return DeviceError(_with(text, told), hint=hint, code="E-WRT-UNKNOWN")
    return None


def _with(text: str, told: Told) -> str:
    return tr("{what}: {text}").format(what=text, text=told.detail) if told.detail else text


def refused_by(word: str) -> str:
    """Return what refused a write, by its machine word."""
    words = {
        "not_writable": tr("its definition (linectl alone writes it, or nobody)"),
        "lease": tr("the PLC's owner"),
        "range": tr("its range"),
        "limit": tr("the limit of its zone"),
        "step": tr("the largest step of one write"),
        "rate": tr("the fastest that it may change"),
        "soft": tr("its warning limit"),
        "interlock": tr("an interlock or permissive"),
        "arming": tr("arming"),
        "device": tr("the device"),
    }
    return words.get(word, word)


def _ways(refused_by: str) -> str:
    """Return what to do about a refusal, where one thing helps."""
    ways = {
        "step": tr("let it go there as a ramp: linectl set TAG VALUE --ramp 1/min"),
        "rate": tr("let it go there as a ramp: linectl set TAG VALUE --ramp 1/min"),
        "soft": tr("if it is meant, say it again with --yes"),
        "interlock": tr("see what stands against it: linectl status"),
    }
    return ways.get(refused_by, "")
