"""Giving words to a run: through whoever holds its store, else in the store itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from linectl.clock import wall_ns
from linectl.server.finding import connect
from linectl.server.results.finished import FinishedRun
from linectl.store.file import is_open_for_writing
from linectl.store.run_words import WordChange, WordReader, checked
from linectl.store.store import open_store

__all__ = ["tag_run"]


def tag_run(
    found: FinishedRun, words: Sequence[str], data: Path | None, *, remove: bool, operator: str, reason: str = ""
) -> tuple[str, ...]:
    """Keep `words` with the run of `found`, or take them from it; return those that it has then.

    Raises:
        Refused: a word cannot be kept, or is not there to be taken away; another process holds the store.
        Unreachable: whoever holds the store does not answer.
    """
    change = WordChange(found.run.id, checked(words), remove, operator, wall_ns(), reason)
    file, line = found.reader.path, found.reader.line()
    if is_open_for_writing(file):
        with connect(data, line, operator=operator) as server:
            asked = {"run": change.run, "words": list(change.words), "remove": remove}
            return tuple(server.ask("run_tag", asked, reason=reason)["tags"])
    asyncio.run(_write(file, line, change))
    return WordReader(file).words_of(change.run)


async def _write(file: Path, line: str, change: WordChange) -> None:
    store = open_store(file, line=line, virtual=False, holder=change.actor)
    await store.open()
    try:
        await store.tag_run(change)
    finally:
        await store.close()
