"""A wash lot as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linectl.cli.output import table
from linectl.words import decimal, ntr, tr

__all__ = ["glue_name", "lot_lines", "lot_state", "lots_table"]

Told = Mapping[str, Any]


def lots_table(lots: Sequence[Told]) -> str:
    """Return lots in rows: whose, what, where they stand, label rejects, and what is wrong with them."""
    columns = [tr("lot"), tr("grower"), tr("bottle"), tr("glue"), tr("state"), tr("bottles"), tr("label rejects")]
    rows = [
        [
            lot["name"],
            lot["grower"],
            lot["bottle"],
            glue_name(lot["glue"]),
            lot_state(lot["state"]),
            str(lot["bottles_seen"]),
            _share(lot),
            _date(lot["reuse_by"]),
            _trouble(lot),
        ]
        for lot in lots
    ]
    return table([*columns, tr("use by"), ""], rows)


def lot_lines(lot: Told) -> list[str]:
    """Return all that is known of a lot."""
    return list(_lines(lot))


def _lines(lot: Told) -> Iterator[str]:
    text = tr("lot {name}: {bottle} of {grower}, glue {glue}, {state}")
    fields = {"name": lot["name"], "bottle": lot["bottle"], "grower": lot["grower"]}
    glue = glue_name(lot["glue"]) + (f" ({lot['glue_lot']})" if lot["glue_lot"] else "")
    yield text.format(**fields, glue=glue, state=lot_state(lot["state"]))
    for when in ("started", "ended", "washed", "delivered"):
        if lot[when]:
            yield "  " + _moment(when).format(time=_time(lot[when]), who=lot.get(f"{when}_by", "") or "")
    recipe = lot["recipe"] or tr("none known")
    verdict = f", {lot['verdict'].upper()} {lot['verdict_hash'][:12]}" if lot["verdict"] else ""
    yield "  " + tr("recipe: {recipe}{verdict}").format(recipe=recipe, verdict=verdict)
    counts = tr("bottles: {went_in} in, {seen} past the inspector, {rejected} rejected")
    yield "  " + counts.format(went_in=lot["bottles_in"], seen=lot["bottles_seen"], rejected=lot["rejected"])
    yield "  " + tr("rejected for their label: {share}").format(share=_label(lot))
    if lot["bottles_in"]:
        yield "  " + tr("per bottle: {water} of water, {heat} of heat, {naoh} of NaOH").format(
            water=_amount(lot["per_bottle"]["water_l"], "L", 2),
            heat=_amount(lot["per_bottle"]["energy_wh"], "Wh", 1),
            naoh=_amount(lot["per_bottle"]["naoh_g"], "g", 2),
        )
    if lot["reuse_by"]:
        yield "  " + _use_by(lot)
    for each in lot["quarantines"]:
        yield "  " + _aside(each)
    if lot["note"]:
        yield f"  {lot['note']}"


def _moment(when: str) -> str:
    return {
        "started": tr("begun {time} by {who}"),
        "ended": tr("ended {time} by {who}"),
        "washed": tr("washed {time}"),
        "delivered": tr("delivered {time}, noted by {who}"),
    }[when]


def _label(lot: Told) -> str:
    if lot["label_rejects"] is None:
        return tr("not known: the inspector does not tell, or was not heard")
    share = f"{lot['label_rejects']}"
    if lot["label_share"] is not None:
        share += f", {_percent(lot['label_share'])}"
    interval = lot.get("label_interval")
    if interval is None:
        return share
    text = tr("{share} (exact {confidence} % interval {low} to {high})")
    return text.format(
        share=share,
        confidence=decimal(100 * interval["confidence"], 0),
        low=_percent(interval["low"]),
        high=_percent(interval["high"]),
    )


def _use_by(lot: Told) -> str:
    date, left = _date(lot["reuse_by"]), lot["days_left"]
    if left is None:
        return tr("use by {date}").format(date=date)
    if left < 0:
        return tr("use by {date}: THAT IS OVER, wash it again").format(date=date)
    days = ntr("{count} day left", "{count} days left", int(left)).format(count=int(left))
    return tr("use by {date}: {days}").format(date=date, days=days)


def _aside(each: Told) -> str:
    last = tr("the end") if each["last"] is None else str(each["last"])
    why = each["told"] or each["reason"]
    if each["stands"]:
        text = tr("SET ASIDE: bottles {first} to {last}, since {time} by {who}: {why}")
        return text.format(first=each["first"], last=last, time=_time(each["since"]), who=each["by"], why=why)
    text = tr("released: bottles {first} to {last}, {time} by {who}: {why}")
    fields = {"first": each["first"], "last": last, "time": _time(each["released"])}
    return text.format(**fields, who=each["released_by"], why=each["release_reason"])


def _trouble(lot: Told) -> str:
    if lot["quarantined"]:
        return tr("SET ASIDE: {count}").format(count=lot["doubtful"])
    return tr("USE NOW") if lot["due"] else ""


def lot_state(word: str) -> str:
    """Return where a lot stands, as people say it."""
    names = {"washing": tr("going in"), "leaving": tr("coming out"), "washed": tr("washed")}
    return (names | {"delivered": tr("delivered")}).get(word, word)


def glue_name(word: str) -> str:
    """Return what people call a known glue; a glue's own name stays as it is."""
    names = {"permanent": tr("permanent"), "casein": tr("casein"), "dextrin": tr("dextrin"), "starch": tr("starch")}
    names |= {"pvoh": "PVOH", "psa": tr("self-adhesive"), "unknown": tr("unknown")}
    return names.get(word, word)


def _share(lot: Told) -> str:
    if lot["label_rejects"] is None:
        return "?"
    return "-" if lot["label_share"] is None else _percent(lot["label_share"])


def _percent(share: float) -> str:
    return tr("{percent} %").format(percent=decimal(100 * share, 2))


def _amount(value: float | None, unit: str, digits: int) -> str:
    return tr("an unknown amount") if value is None else f"{decimal(value, digits)} {unit}"


def _time(iso: str) -> str:
    return _local(iso, "%Y-%m-%d %H:%M")


def _date(iso: str | None) -> str:
    return _local(iso, "%Y-%m-%d") if iso else "-"


def _local(iso: str, form: str) -> str:
    from datetime import datetime

    return datetime.fromisoformat(iso).astimezone().strftime(form)
