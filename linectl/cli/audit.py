"""`linectl audit`: who did what, when and why; and the proof that nobody has changed it since."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.audit_text import cells, lines_of, parsed
from linectl.cli.list_first import ListFirst
from linectl.cli.options import common
from linectl.cli.output import columns_of, complaint, emit, envelope, table
from linectl.errors import StoreError
from linectl.words import ntr, tr

if TYPE_CHECKING:
    from linectl.store.audit import AuditEntry, Broken
    from linectl.store.reader import StoreReader

__all__ = ["command"]


@click.group("audit", cls=ListFirst, help=tr("Who did what, when and why; prove that nobody has changed it since."))
def command() -> None:
    """Hold `ls` and `verify`."""


@command.command("ls", help=tr("List the audit trail of FILE, a line or a store (else of the last run's store)."))
@click.argument("file", default="")
@click.option("--since", default="", help=tr("only from this time on: 2026-11-23, 2026-11-23T06:30, or 2h, 7d ago"))
@common
def ls(file: str, since: str, data: Path | None, as_json: bool) -> int:
    """List the entries, oldest first."""
    from linectl.server.asked_times import since_ns
    from linectl.server.auditing import trail_of
    from linectl.store.audit import time_text

    try:
        from_ns = since_ns(since) if since else None
    except (ValueError, OverflowError) as error:
        raise click.UsageError(tr("{text} is no time: say 2026-11-23T06:30, or 2h").format(text=since)) from error
    reader = trail_of(file, data)
    entries = reader.audit(from_ns)
    if as_json:
        emit("audit_ls", {"store": str(reader.path), "entries": [_as_data(entry) for entry in entries]})
        return 0
    columns = columns_of(sys.stdout)
    if columns:
        for entry in entries:
            click.echo("\n".join(lines_of(entry, columns)))
        return 0
    rows = [[str(entry.id), time_text(entry.ts_ns), *cells(entry)] for entry in entries]
    heads = [tr("entry"), tr("when"), tr("who"), tr("what"), tr("on what"), tr("old"), tr("new"), tr("why")]
    click.echo(table(heads, rows))
    return 0


@command.command(
    "verify", help=tr("Prove the audit trail of FILE, a line or a store; ends with 5 and the first broken entry.")
)
@click.argument("file", default="")
@click.option("--head", "anchor", default="", help=tr("an export (folder, zip, manifest), or the hash that it holds"))
@common
def verify(file: str, anchor: str, data: Path | None, as_json: bool) -> int:
    """Walk the chain, and say what is wrong first."""
    from linectl.server.auditing import anchor_of, trail_of

    head = anchor_of(anchor) if anchor else None
    reader = trail_of(file, data)
    error: StoreError | None = None
    broken: Broken | None = None
    if head is not None and head.store not in {"", reader.uid()}:
        error = StoreError(
            tr("{anchor} is of another store than {file}").format(anchor=anchor, file=reader.path),
            hint=tr("name the store that it was made from"),
            code="E-AUD-004",
        )
    else:
        broken = reader.audit_broken(None if head is None else head.head)
        error = None if broken is None else _told(reader, broken)
    last = reader.audit_head()
    if as_json:
        found = {"store": str(reader.path), "entries": last.id, "head": last.hash, "first_broken": _broken_data(broken)}
        click.echo(envelope("audit_verify", found, error))
    if error is not None:
        click.echo(complaint(error), err=True)
        return error.exit_code
    if not as_json:
        count = last.id or 0
        text = ntr("{file}: {count} entry, the chain is whole", "{file}: {count} entries, the chain is whole", count)
        click.echo(text.format(file=reader.path, count=count))
        click.echo(tr("head: {hash}").format(hash=last.hash))
        if head is None:
            click.echo(tr("what was cut off its end shows against an export alone: --head EXPORT"), err=True)
    return 0


def _told(reader: StoreReader, broken: Broken) -> StoreError:
    from linectl.store.audit import time_text

    where = tr("{file}: the audit trail is broken at entry {id}").format(file=reader.path, id=broken.id)
    if broken.ts_ns is not None:
        where = tr("{where}, of {time}").format(where=where, time=time_text(broken.ts_ns))
    return StoreError(
        tr("{where}: {what}").format(where=where, what=broken.what),
        hint=tr("keep this file as it is; compare it with its last backup, and with the exports made from it"),
        code="E-AUD-001",
    )


def _as_data(entry: AuditEntry) -> dict[str, Any]:
    from linectl.store.audit import time_text

    return {
        "id": entry.id,
        "time": time_text(entry.ts_ns),
        "time_ns": entry.ts_ns,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "old": parsed(entry.old),
        "new": parsed(entry.new),
        "reason": entry.reason,
        "hash": entry.hash.hex(),
    }


def _broken_data(broken: Broken | None) -> dict[str, Any] | None:
    from linectl.store.audit import time_text

    if broken is None:
        return None
    time = None if broken.ts_ns is None else time_text(broken.ts_ns)
    return {"id": broken.id, "time": time, "kind": broken.kind, "what": broken.what}
