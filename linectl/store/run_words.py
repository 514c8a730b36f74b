"""Words that people keep with a run, to find it again: checked, written with their act in the trail, read."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from linectl.errors import Refused
from linectl.model.records import Act
from linectl.store import audit
from linectl.store.reader import StoreReader
from linectl.words import tr

__all__ = ["WordChange", "WordReader", "change", "checked"]

_LONGEST = 40
_MOST = 20  # words of one run: more than people read


@dataclass(frozen=True, slots=True)
class WordChange:
    """Words that `actor` gives to `run` (its id), or takes from it, at `ts_ns` (ns UTC)."""

    run: str
    words: tuple[str, ...]
    remove: bool
    actor: str
    ts_ns: int
    reason: str = ""


class WordReader(StoreReader):
    """Reads the words of runs.

    Raises (every call):
        StoreError: no store there, or one that this linectl cannot read.
    """

    def words(self) -> dict[str, tuple[str, ...]]:
        """Return the words by run, those of each in order; runs without any are left out."""
        if not self._fetch("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'run_tag'"):
            return {}  # no writer has opened it since runs have words
        found: dict[str, tuple[str, ...]] = {}
        for run, word in self._fetch("SELECT run, word FROM run_tag ORDER BY run, word"):
            found[run] = (*found.get(run, ()), word)
        return found

    def words_of(self, run_id: str) -> tuple[str, ...]:
        """Return the words of one run, in order."""
        return self.words().get(run_id, ())


def checked(words: Sequence[str]) -> tuple[str, ...]:
    """Return `words` as they are kept: composed letters, each once.

    Raises:
        Refused: one is empty, longer than 40 letters, or holds a blank, a comma or what cannot be shown (E-RUN-013).
    """
    found = tuple(dict.fromkeys(unicodedata.normalize("NFC", word) for word in words))
    for word in found:
        if not word or len(word) > _LONGEST or not word.isprintable() or any(each in " ,;" for each in word):
            shown = "".join(each if each.isprintable() else "?" for each in word[:_LONGEST])
            raise Refused(
                tr("`{word}` cannot be kept as a word of a run").format(word=shown),
                hint=tr("one word of at most {most} letters, without blanks or commas: glue-B3").format(most=_LONGEST),
                code="E-RUN-013",
            )
    return found


def change(connection: sqlite3.Connection, asked: WordChange) -> None:
    """Carry out `asked` in the transaction that is open, and append it to the audit trail; what is so already is not.

    Raises:
        Refused: a word to be taken away is not there (E-RUN-012), or there would be too many (E-RUN-013).
    """
    rows = connection.execute("SELECT word FROM run_tag WHERE run = ? ORDER BY word", (asked.run,))
    old = [word for (word,) in rows.fetchall()]
    missing = [word for word in asked.words if word not in old] if asked.remove else []
    if missing:
        raise Refused(
            tr("the run {run} has no word {words}; it has: {known}").format(
                run=asked.run, words=", ".join(missing), known=", ".join(old) or tr("none")
            ),
            hint=tr("nothing was changed"),
            code="E-RUN-012",
        )
    new = sorted(set(old) - set(asked.words) if asked.remove else {*old, *asked.words})
    if len(new) > _MOST:
        text = tr("the run {run} would have {count} words; {most} are the most")
        raise Refused(text.format(run=asked.run, count=len(new), most=_MOST), code="E-RUN-013")
    if new == old:
        return
    connection.execute("DELETE FROM run_tag WHERE run = ?", (asked.run,))
    connection.executemany("INSERT INTO run_tag(run, word) VALUES(?, ?)", [(asked.run, word) for word in new])
    act = Act(asked.ts_ns, asked.actor, "tag_run", asked.run, old=old, new=new, reason=asked.reason)
    audit.append(connection, act)
