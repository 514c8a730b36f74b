"""An experiment handed in to whoever serves its line: shown and answered here, carried out there.

Ctrl+C only detaches: the run goes on.
"""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli import questions
from linectl.cli.operator import operator_name
from linectl.cli.output import emit
from linectl.cli.run_keys import Keys
from linectl.cli.terminal import ProgressLine, TerminalFace
from linectl.clock import Clock
from linectl.config.files import find_file
from linectl.errors import LinectlError
from linectl.lab.progress import line_text, state_text
from linectl.lab.report.terms import ending
from linectl.model.prompts import Prompt, PromptKind
from linectl.server.api.endpoint import Endpoint
from linectl.server.api.stream import Watcher
from linectl.words import tr, with_comma

if TYPE_CHECKING:
    from linectl.cli.run_experiment import Request

__all__ = ["Handed", "carry_out", "files_of", "follow", "progress_line"]

_CANCELLED = 130


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed in: the operation that starts it with its arguments, and how this terminal follows."""

    op: str
    args: Mapping[str, object]
    quiet: bool = False
    no_input: bool = False
    as_json: bool = False


def carry_out(request: Request, endpoint: Endpoint) -> int:
    """Hand an experiment in and follow it; see `follow`."""
    quiet, no_input, as_json = request.quiet, request.no_input, request.as_json
    handed = Handed("run_start", files_of(request), quiet=quiet, no_input=no_input, as_json=as_json)
    return follow(handed, endpoint)


def follow(handed: Handed, endpoint: Endpoint) -> int:
    """Hand it in, follow it, tell how it ended, and return its exit code; 130 when only detached."""
    return asyncio.run(_Attached(handed, endpoint).run())


@dataclass(frozen=True, slots=True)
class _Remote:
    """What a person types of the run, said to its server."""

    watcher: Watcher

    async def would_lose(self) -> str:
        """Return what ending the run now would lose."""
        return str((await self.watcher.call("run_would_lose"))["text"])

    async def cancel(self, *, who: str = "", why: str = "") -> None:  # noqa: ARG002  # the server knows who asks
        """End the run at its next safe point."""
        await self.watcher.call("run_cancel", why=why)

    async def abort(self, *, who: str = "", why: str = "") -> None:  # noqa: ARG002
        """End the run at once."""
        await self.watcher.call("run_abort", why=why)

    async def pause(self, *, who: str = "", why: str = "") -> None:  # noqa: ARG002
        """Stand still at the next step boundary."""
        await self.watcher.call("run_pause", why=why)

    async def hold(self, *, who: str = "", why: str = "") -> None:  # noqa: ARG002
        """Switch the heater off now."""
        await self.watcher.call("run_hold", why=why)

    async def resume(self, *, who: str = "") -> None:  # noqa: ARG002
        """Go on."""
        await self.watcher.call("run_resume")

    async def next(self, reason: str, *, who: str = "") -> None:  # noqa: ARG002
        """End the present wait early."""
        await self.watcher.call("run_next", why=reason)

    async def skip(self, which: int | str, reason: str, *, who: str = "") -> None:  # noqa: ARG002
        """Take a bottle out of the observation."""
        await self.watcher.call("run_skip", which=which, why=reason)

    async def note(self, text: str, *, who: str = "") -> None:  # noqa: ARG002
        """Keep a note."""
        await self.watcher.call("note", text=text)

    async def deviation(self, text: str, *, who: str = "") -> None:  # noqa: ARG002
        """Keep a deviation."""
        await self.watcher.call("deviation", text=text)


class _Attached:
    """One terminal beside a run."""

    def __init__(self, handed: Handed, endpoint: Endpoint) -> None:
        self._handed = handed
        self._watcher = Watcher(
            lambda: endpoint, operator=operator_name(), face="terminal", wanted=("run", "prompts"), period_s=0.5
        )
        self._screen = ProgressLine(quiet=handed.quiet)
        self._questions: dict[str, asyncio.Task[None]] = {}
        self._face: TerminalFace | None = None

    async def run(self) -> int:
        detached = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, detached.set)
        await self._watcher.start()
        try:
            await self._connected()
            run = (await self._watcher.ask(self._handed.op, self._handed.args, key=uuid.uuid4().hex))["run"]
            with ExitStack() as stack:
                self._attend(stack)
                return await self._follow(run, detached)
        finally:
            for task in self._questions.values():
                task.cancel()
            await self._watcher.stop()

    async def _connected(self) -> None:
        async for name in self._watcher.changes():
            if name == "back":
                return
            if name == "lost":
                await self._watcher.call("status")  # raises what went wrong

    def _attend(self, stack: ExitStack) -> None:
        """Let the person at this terminal answer and command."""
        stack.enter_context(self._screen)
        if self._handed.no_input or not questions.somebody_there():
            return
        self._face = TerminalFace(Clock(), self._screen, operator_name())
        stack.enter_context(Keys(_Remote(self._watcher), self._face, self._screen, operator_name()))

    async def _follow(self, run: str, detached: asyncio.Event) -> int:
        outcome = asyncio.ensure_future(self._watcher.call("run_outcome"))
        following = asyncio.create_task(self._show())
        leaving = asyncio.create_task(detached.wait())
        try:
            either: set[asyncio.Future[Any]] = {outcome, leaving}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if outcome.done():
                return self._tell(outcome.result())
            text = tr("\ndetached: the run {run} goes on. linectl status, linectl pause, linectl cancel")
            click.echo(text.format(run=run), err=True)
            return _CANCELLED
        finally:
            for task in (outcome, following, leaving):
                task.cancel()
            await asyncio.gather(outcome, following, leaving, return_exceptions=True)

    async def _show(self) -> None:
        async for name in self._watcher.changes():
            if name == "run" and self._watcher.state.get("run"):
                self._screen.show_line(*progress_line(self._watcher.state["run"]))
            elif name == "prompts":
                self._ask(self._watcher.state.get("prompts") or [])
            elif name == "lost":
                self._screen.say(self._watcher.why)

    def _ask(self, prompts: list[dict[str, Any]]) -> None:
        open_ = {each["id"]: each for each in prompts}
        for gone in self._questions.keys() - open_.keys():
            self._questions.pop(gone).cancel()
        for new in open_.keys() - self._questions.keys():
            if self._face is None:
                self._questions[new] = asyncio.create_task(self._left(open_[new]))
            else:
                self._questions[new] = asyncio.create_task(self._question(self._face, open_[new]))

    async def _left(self, told: dict[str, Any]) -> None:
        """Tell of a question that nobody here can answer."""
        self._screen.say(tr("a question waits: {text}  (linectl answer)").format(text=told["text"]))

    async def _question(self, face: TerminalFace, told: dict[str, Any]) -> None:
        given = await face.ask(_prompt(told))
        value = list(given.value) if isinstance(given.value, tuple) else given.value
        try:
            await self._watcher.call("answer", prompt=told["id"], value=value)
        except LinectlError as error:
            self._screen.say(f"{error.message}\n{error.hint}".strip())

    def _tell(self, outcome: dict[str, Any]) -> int:
        if self._handed.as_json:
            emit("run", {key: value for key, value in outcome.items() if key != "exit_code"})
            return int(outcome["exit_code"])
        self._screen.end()
        text = tr("run {run}: {status}, {baths} baths")
        ended = text.format(run=outcome["run_id"], status=ending(outcome["exit_status"]), baths=outcome["baths_done"])
        for line in (ended, outcome["reason"], outcome.get("hint", "")):
            if line:
                click.echo(line, err=True)
        return int(outcome["exit_code"])


def files_of(request: Request) -> Mapping[str, str]:
    """Return the files of a request by their places on this machine: the server may stand in another folder."""
    found = find_file(request.file, folder="experiments")
    answers = request.answers
    named = "" if answers is None else str(Path(find_file(answers, folder="experiments")).resolve())
    return {"file": str(Path(found).resolve()), "answers": named}


def progress_line(run: Mapping[str, Any]) -> tuple[int, str]:
    """Return the number of the bath, and where the run stands on one line."""
    if "phase" not in run:
        return 0, state_text(run["state"])
    told = line_text(
        run["bath"],
        run["baths"],
        with_comma(run["treatment"]),
        run["phase"],
        temperature_c=run["temperature_c"],
        fraction=run["fraction"],
        eta_s=run["eta_s"],
        state=run["state"],
    )
    return int(run["bath"]), told


def _prompt(told: Mapping[str, Any]) -> Prompt:
    facts = {key: tuple(each) if isinstance(each, list) else each for key, each in told["facts"].items()}
    return Prompt(
        told["id"],
        PromptKind(told["kind"]),
        told["text"],
        told["task"],
        facts,
        tuple(told["options"]),
        told["low"],
        told["high"],
        told["unit"],
        second=told.get("second", False),
    )
