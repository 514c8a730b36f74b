"""Heavy work in a process of its own, so that a running line never waits for a fit or a report.

The child is a fresh interpreter (nothing of this one is forked, no script is run again); what it is asked and what it
answers are pickled, so both must be importable by name. It runs at a lower priority. When the caller is cancelled,
the child is killed.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from linectl import words
from linectl.errors import LinectlError
from linectl.server.results.finished import NOTHING_ASKED, Asked, FinishedRun, analyse_run
from linectl.server.results.reporting import write_report
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.results import Analysis

__all__ = ["analyse_in_child", "in_child", "report_in_child"]

P = ParamSpec("P")
T = TypeVar("T")

_NICE = 10
_TOLD_BYTES = 2_000  # of what a child that died had to say


async def analyse_in_child(found: FinishedRun, asked: Asked = NOTHING_ASKED) -> Analysis:
    """Return what `analyse_run` returns, computed in a child process; its fits and verdicts with it."""
    return await in_child(analyse_run, found, asked)


async def report_in_child(found: FinishedRun, target: Path, asked: Asked = NOTHING_ASKED) -> Path:
    """Write the report of a run as `write_report` does, in a child process, in the language in use."""
    return await in_child(write_report, found, target, asked)


async def in_child(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args, **kwargs)`, computed in a child process while this loop goes on.

    What the function raises is raised here, with the child's traceback as a note.

    Raises:
        LinectlError: the child died before it could answer (E-INT-002).
    """
    question = pickle.dumps((words.language(), function, args, kwargs))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.Popen(  # noqa: ASYNC220, S603  # returns at once; our own interpreter and module
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    job = asyncio.get_running_loop().run_in_executor(None, child.communicate, question)
    try:
        out, said = await asyncio.shield(job)
    except asyncio.CancelledError:
        child.kill()
        await asyncio.wait([job])  # its pipes end with it
        raise
    answer: T = _answer(child.returncode, out, said)
    return answer


def _answer(code: int, out: bytes, said: bytes) -> Any:
    if code != 0 or not out:
        raise LinectlError(
            tr("the analysis ended without an answer (exit code {code}): {said}").format(
                code=code, said=said.decode("utf-8", "replace").strip()[-_TOLD_BYTES:] or "-"
            ),
            hint=tr("is there memory left? try again with fewer runs"),
            code="E-INT-002",
        )
    value, error, trace = pickle.loads(out)  # noqa: S301  # from our own child
    if error is not None:
        error.add_note(trace)
        raise error
    return value


def _work() -> None:
    """Read a question from standard input, answer it on what was standard output."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # whatever is printed on the way goes to standard error
        os.nice(_NICE)
        language, function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301  # from our own parent
        words.use(language)
        try:
            answer = pickle.dumps((function(*args, **kwargs), None, ""))
        except Exception as error:  # noqa: BLE001  # the parent raises it
            answer = _failed(error)
        answers.write(answer)


def _failed(error: Exception) -> bytes:
    trace = traceback.format_exc()
    try:
        answer = pickle.dumps((None, error, trace))
        pickle.loads(answer)  # noqa: S301  # our own bytes: an exception may not come back from its pickle
    except Exception:  # noqa: BLE001  # it does not: its text does
        return pickle.dumps((None, LinectlError(f"{type(error).__name__}: {error}"), trace))
    return answer


if __name__ == "__main__":
    _work()
