"""The run: where it stands, how long it has taken and will take, what comes next; the question that waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from linectl.lab.progress import phase_text, state_text
from linectl.tui.styled import Line, Mood, fill, printable, shorten, width_of
from linectl.tui.watch.feed import items, moment, number, section, text
from linectl.tui.watch.figures import figure
from linectl.tui.watch.sight import Sight, hours
from linectl.words import decimal, tr, with_comma

__all__ = ["block", "rule", "scheduled"]

Piece = tuple[str, Mood]
_BAR = 28
_CALM = {"", "running", "execute"}


def block(sight: Sight, width: int) -> list[Line]:
    """Return three lines: the title, the progress, and the open question or the machine's counters."""
    run = section(sight.state, "run")
    to_come = scheduled(sight)
    if run:
        title, progress = _title(run), _progress(sight, run, width)
        title = f"{title} · {to_come}" if to_come else title
    else:
        title, progress = to_come or _interrupted(sight) or tr("no run"), _recipe(sight)
    return [rule(title, width), shorten(progress, width), shorten(_asked(sight) or _counters(sight), width)]


def scheduled(sight: Sight) -> str:
    """Return the run to come and when, or that one did not start and why; empty where there is nothing to tell."""
    due = section(sight.state, "scheduled")
    at = moment(due.get("at"))
    if at is None:
        return ""
    at = at.astimezone(sight.then.tzinfo)
    time = f"{at:%H:%M}" if at.date() == sight.then.date() else f"{at:%d/%m %H:%M}"
    name, why = printable(text(due.get("experiment"))), printable(text(due.get("why")))
    if text(due.get("state")) in {"waiting", "starting"}:
        return tr("{experiment} starts at {time}").format(experiment=name, time=time)
    return tr("{experiment} NOT STARTED at {time}: {why}").format(experiment=name, time=time, why=why)


def _interrupted(sight: Sight) -> str:
    lost = section(section(sight.state, "line"), "interrupted")
    run = printable(text(lost.get("run")))
    return tr("RUN INTERRUPTED {run}: linectl resume").format(run=run) if run else ""


def rule(title: str, width: int) -> Line:
    """Return a line across the screen with a title in it."""
    return fill((("─ ", Mood.TITLE), (title, Mood.STRONG), (" " + "─" * width, Mood.TITLE)), width)


def _title(run: Mapping[str, Any]) -> str:
    parts = [f"{tr('RUN')} {printable(text(run.get('id')))} {printable(text(run.get('experiment')))}".rstrip()]
    bath, baths = number(run.get("bath")), number(run.get("baths"))
    if bath is not None and baths:
        parts.append(tr("bath {bath}/{baths}").format(bath=int(bath), baths=int(baths)))
    phase = phase_text(text(run.get("phase")))
    treatment = with_comma(printable(text(run.get("treatment"))))
    parts += [" ".join(word for word in (phase, treatment) if word)]
    return " · ".join(part for part in parts if part)


def _progress(sight: Sight, run: Mapping[str, Any], width: int) -> Line:
    fraction = min(1.0, max(0.0, number(run.get("fraction")) or 0.0))
    wide = min(_BAR, max(8, width // 4))
    done = round(fraction * wide)
    elapsed, left = number(run.get("elapsed_s")) or 0.0, number(run.get("eta_s"))
    pieces: list[Piece] = [
        (" " + "█" * done, Mood.NORMAL),
        ("░" * (wide - done), Mood.QUIET),
        (f"  {decimal(100 * fraction, 0)} %", Mood.STRONG),
        (f"   {hours(elapsed)}", Mood.NORMAL),
    ]
    if left is not None:
        pieces.append((f" / {hours(elapsed + left)}", Mood.NORMAL))
        pieces.append(("    " + _end(sight, run, left), Mood.NORMAL))
    state = text(run.get("state"))
    if state.lower() not in _CALM:
        pieces.append((f"   {printable(state_text(state))} ", Mood.STRONG))
    return tuple(pieces)


def _end(sight: Sight, run: Mapping[str, Any], left_s: float) -> str:
    """Return when the run will end: a range where one is known, never one false number alone."""
    low, high = number(run.get("eta_low_s")), number(run.get("eta_high_s"))
    end = _at(sight, left_s)
    if low is None or high is None or _at(sight, low) == _at(sight, high):
        return tr("end about {time}").format(time=end)
    return tr("end {time} ({low}–{high})").format(time=end, low=_at(sight, low), high=_at(sight, high))


def _at(sight: Sight, left_s: float) -> str:
    at = sight.then + timedelta(seconds=left_s)
    return f"{at:%H:%M}" if at.date() == sight.then.date() else f"{at:%d/%m %H:%M}"


def _asked(sight: Sight) -> Line:
    """Return the question that has waited longest, and what is left to answer it."""
    prompts = items(sight.state, "prompts")
    if not prompts:
        return ()
    first = prompts[0]
    pieces: list[Piece] = [(" ? ", Mood.ARMED), (f" {printable(text(first.get('text')))}  ", Mood.STRONG)]
    left = _left_s(sight, first)
    if left is not None:
        pieces.append((tr("{time} left").format(time=hours(left)) + "  ", Mood.NORMAL))
    if len(prompts) > 1:
        pieces.append((tr("{n} more").format(n=len(prompts) - 1) + "  ", Mood.QUIET))
    hint = tr("[e] answer")
    return (*pieces, (hint, Mood.UNSEEN))


def _left_s(sight: Sight, prompt: Mapping[str, Any]) -> float | None:
    """Return the seconds until the default is taken; None without a time limit."""
    timeout, asked = number(prompt.get("timeout_s")), moment(prompt.get("asked"))
    if timeout is None or asked is None:
        return None
    return max(0.0, timeout - (sight.then - asked).total_seconds() / sight.speed)


def _recipe(sight: Sight) -> Line:
    machine = section(sight.state, "machine")
    recipe = printable(text(machine.get("recipe")))
    pieces: list[Piece] = (
        [(f" {tr('recipe {name}').format(name=recipe)}   ", Mood.NORMAL)] if recipe else [(" ", Mood.NORMAL)]
    )
    lot = section(machine, "lot")
    if lot:
        name = printable(text(lot.get("name") or lot.get("id")))
        pieces.append((tr("lot {name}").format(name=name), Mood.NORMAL))
    left = machine.get("recipe_left")
    if isinstance(left, list | tuple) and left:
        away = tr("not as the recipe says: {tags}").format(tags=printable(", ".join(map(str, left))))
        pieces += [("   ", Mood.NORMAL), (f" ◆ {away} ", Mood.WARNING)]
    return tuple(pieces)


def _counters(sight: Sight) -> Line:
    """Return what the machine has counted, and what a bottle takes."""
    machine = section(sight.state, "machine")
    words = {
        "bottles_in": tr("in"),
        "bottles_out": tr("out"),
        "bottles_rejected": tr("rejected"),
        "inside": tr("inside"),
    }
    counted = section(machine, "counters")
    told = [f"{word} {figure(counted[name], {})}" for name, word in words.items() if counted.get(name) is not None]
    each = section(machine, "per_bottle")
    forms = {
        "water_l": tr("{value} L a bottle"),
        "energy_wh": tr("{value} Wh a bottle"),
        "naoh_g": tr("{value} g NaOH a bottle"),
    }
    for name, form in forms.items():
        value = number(each.get(name))
        if value is not None:
            told.append(form.format(value=decimal(value, 2)))
    line: Line = ((" " + "   ".join(told), Mood.QUIET),)
    return line if width_of(line) > 1 else ()
