"""A program that is started for an announcement. It cannot stall the line, harm it, or be started without end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from linectl.line.alarms.flood import WINDOW_S
from linectl.model.alarms import Hook

__all__ = ["HookRunner"]

_SECRET = "LINECTL_SECRET_"  # noqa: S105  # how the names of such variables begin
_WAITING = 16
_SAID = 500  # characters of what a failing program said that are kept


class HookRunner:
    """Starts `hook.command` for each message, one after the other; `note` is told what did not work.

    The program gets the message as JSON on its input and the alarm's name in LINECTL_ALARM; no passwords. It runs in a
    process group of its own, which is killed with it after its time.
    """

    def __init__(self, hook: Hook, note: Callable[[str, Mapping[str, object]], None]) -> None:
        self._hook = hook
        self._note = note
        self._queue: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(_WAITING)
        self._started: deque[float] = deque()
        self._skipped = 0
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to start programs."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="alarm hook")

    async def close(self) -> None:
        """End, with the program that runs."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def put(self, message: Mapping[str, Any]) -> None:
        """Have the program started for `message`; returns at once."""
        now_s = asyncio.get_running_loop().time()
        while self._started and now_s - self._started[0] >= WINDOW_S:
            self._started.popleft()
        if len(self._started) >= self._hook.most or self._queue.full():
            self._skipped += 1
            self._note("alarm_hook_skipped", {"alarm": message.get("id"), "skipped": self._skipped})
            return
        self._started.append(now_s)
        self._queue.put_nowait(message)

    async def _keep(self) -> None:
        while True:
            message = await self._queue.get()
            why = await self._run(message)
            if why:
                self._note(
                    "alarm_hook_failed", {"alarm": message.get("id"), "command": self._hook.command[0], "why": why}
                )

    async def _run(self, message: Mapping[str, Any]) -> str:
        """Return why it did not work; empty: it did."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._hook.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                env=_environment(str(message.get("id"))),
            )
        except (OSError, ValueError) as error:
            return str(error)
        try:
            told = json.dumps(message, ensure_ascii=False).encode()
            _, said = await asyncio.wait_for(process.communicate(told), self._hook.timeout_s)
        except TimeoutError:
            return f"not done within {self._hook.timeout_s:g} s"
        finally:
            if process.returncode is None:
                _kill(process.pid)
                await process.wait()
        words = said.decode(errors="replace").strip()[-_SAID:]
        return f"exit code {process.returncode}: {words}" if process.returncode else ""


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)


def _environment(alarm: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SECRET)}
    return {**kept, "LINECTL_ALARM": alarm}
