"""A run whose server died is taken up through the next one: told on every face, one run, no heat without a word."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from linectl.config.files import SourceText
from linectl.config.load import load_experiment_text
from linectl.errors import Refused
from linectl.lab.resume import replay
from linectl.model.records import ExitStatus, Run
from linectl.server.resuming import KilledRun, must_be_behind
from tests.cli.test_crash_resume import (
    EXPERIMENT,
    Lab,
    begins,
    check_story,
    end,
    giving_up,
    going_on,
    linectl,
    wait_until,
)

__all__ = ["giving_up", "going_on"]  # fixtures

pytestmark = pytest.mark.timeout(300)


class Hall:
    """A lab whose line is served by a process of its own."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def say(self, *words: str) -> tuple[int, str]:
        process = linectl(*words, "--data", "data", cwd=self.lab.folder)
        return self.lab.finish(process)

    def line(self) -> dict[str, Any]:
        code, output = self.say("status", "--json")
        assert code == 0, output
        found: dict[str, Any] = json.loads(output)["data"]
        return found

    @contextmanager
    def served(self) -> Iterator[subprocess.Popen[str]]:
        server = linectl("serve", "rig.yaml", "--json", "--data", "data", cwd=self.lab.folder)
        try:
            assert server.stdout is not None
            assert json.loads(server.stdout.readline())["data"]["pid"] == server.pid
            yield server
        finally:
            if server.poll() is None:
                server.send_signal(signal.SIGINT)
                wait_until(lambda: server.poll() is not None, 60)
            end(server)

    def killed_in(self, phase: str) -> str:
        """Let a server die in the middle of a run; return the run."""
        with self.served() as server:
            assert self.say("run", "tiny.yaml", "--line", "rig.yaml", "--detach")[0] == 0
            self.lab.kill_at(server, begins(1, phase))
        return self.lab.reader().run("last").id


@pytest.mark.fault("F27")
def test_a_run_is_taken_up_through_the_next_server(going_on: Lab) -> None:
    hall = Hall(going_on)
    run = hall.killed_in("heat")
    last_ns = going_on.reader().last_ns()
    with hall.served():
        before = hall.line()
        assert before["line"]["interrupted"]["run"] == run
        assert before["run"] is None
        assert before["values"]["bath.heater_on"]["value"] is False
        wait_until(lambda: "run_interrupted" in [each["id"] for each in hall.line()["alarms"]["list"]], 30)
        assert f"RUN INTERRUPTED {run}: tiny, by Zoé  (linectl resume" in hall.say("status")[1]
        code, output = hall.say("status", "--check")
        assert (code, "somebody is needed: RUN INTERRUPTED" in output) == (10, True)
        code, output = hall.say("resume", "--line", "rig.yaml", "-q")
        assert code == 0, output
        after = hall.line()
        assert after["line"]["interrupted"] is None
        assert hall.say("resume", "--line", "rig.yaml")[0] == 6  # it was not killed
    check_story(going_on, 1)
    assert going_on.reader().run("last").exit_status is ExitStatus.SUCCESS
    first = [event.ts_ns for event in going_on.reader().events(run) if event.kind == "crash"]
    assert last_ns is not None
    assert first[0] >= last_ns  # on a line faster than time too, the record does not go back


@pytest.mark.fault("F27")
def test_a_run_is_closed_through_the_next_server(giving_up: Lab) -> None:
    hall = Hall(giving_up)
    run = hall.killed_in("soak")
    with hall.served():
        code, output = hall.say("resume", run, "--line", "rig.yaml", "--abandon")
        assert (code, f"run {run}: failed" in output) == (5, True), output
        assert hall.line()["line"]["interrupted"] is None
        assert "RUN INTERRUPTED" not in hall.say("status")[1]
    acts = [(entry.actor, entry.action) for entry in giving_up.reader().audit()]
    assert ("Zoé", "abandon") in acts
    assert giving_up.heater_off()


def test_a_run_recorded_ahead_of_the_servers_clock_is_refused() -> None:
    run = Run("R1", "experiment", "x", "simulated", "interrupted", "Zoé", 10, "", True, "", "0", ended_ns=20)
    experiment = load_experiment_text(SourceText("x", EXPERIMENT.replace("CHOICE", "abort"), ""))
    killed = KilledRun(Path("line.db"), replay(run, [], [], [], []), experiment)
    must_be_behind(killed, killed.point.last_ns)
    with pytest.raises(Refused, match="this server's clock has not reached") as raised:
        must_be_behind(killed, killed.point.last_ns - 1)
    assert raised.value.code == "E-RES-007"
