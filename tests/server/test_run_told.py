"""A run is told from its first record to its last: no state of the line in between is refused for a run half begun."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.server.line_server import LineServer
from linectl.server.line_state import sections_of
from linectl.server.simulation.simulated import hands_of, serve

ONE_BATH = Experiment(
    name="one_bath",
    question="?",
    temperatures_c=(46.0,),
    naoh_pct=(0.0,),
    glues=("casein",),
    replicates=1,
    bottles_per_glue=1,
    seed=5,
    soak=Soak(cap_s=60.0, check_s=15.0),
    decision=Decision(0.9, 0.9, 60.0, (46.0,), (0.0,)),
    text="name: one_bath",
)


def test_the_run_is_told_as_soon_as_it_may_be_commanded_and_until_its_last_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, dict[str, Any]]] = []

    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        definition = load_line(find_file(Path("simulated.yaml"), folder="config"))
        async with (
            serve(definition, clock, seed=1, wires=False) as up,
            LineServer(up.definition, clock, tmp_path / "line.db", boot="b", links=up.links) as server,
            hands_of(up.definition, clock, line=server.line, simulate_as={}, links=up.links) as hands,
        ):
            assert server.store is not None
            sections, end_run = sections_of(server, operator="Zoé", since_ns=0), server.store.end_run

            def run() -> Any:
                return sections.make(("run",))["run"]

            def started(_run: str) -> None:
                server.live()
                told.append(("at its start", run()))

            async def ends(*what: Any) -> None:
                told.append(("at its end", run()))
                await end_run(*what)
                told.append(("ended", run()))

            monkeypatch.setattr(server.store, "end_run", ends)
            assert run() is None
            await server.run(ONE_BATH, hands, operator="Ann", seed=3, on_start=started)
            assert run() is None

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    assert [when for when, _ in told] == ["at its start", "at its end", "ended"]
    assert {each["operator"] for _, each in told} == {"Ann"}
    assert len({each["id"] for _, each in told}) == 1
