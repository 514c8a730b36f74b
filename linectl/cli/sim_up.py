"""`linectl sim up`: a simulated line on real wires, in real time, for other processes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.complete import lines
from linectl.cli.options import common
from linectl.cli.sim_options import clock_text, ended_by, pairs
from linectl.words import number, tr

if TYPE_CHECKING:
    from linectl.clock.pace import Pace
    from linectl.server.simulation.serving import Serving, Up
    from linectl.sim.faults.events import FaultEvent

__all__ = ["command"]

_PACE_S = 1.0  # between two looks at whether the speed is held


@click.command("up", help=tr("Serve the simulated LINE in real time until Ctrl+C (else the lab bath)."))
@click.argument("line", required=False, type=click.Path(path_type=Path), shell_complete=lines)
@click.option("--speed", type=click.FloatRange(min=0, min_open=True, max=1000), default=1.0, show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help=tr("port of Modbus TCP (0: a free one)"))
@click.option("--initial", multiple=True, metavar="TAG=VALUE", help=tr("start state, such as bath.temperature=60"))
@click.option("--seed", type=int, help=tr("seed of all that is random (1, or the scenario's)"))
@click.option("--write-config", type=click.Path(path_type=Path, dir_okay=False), help=tr("line file to write"))
@click.option("--scenario", type=click.Path(path_type=Path), help=tr("timeline of faults to play while it is up"))
@click.option("--show", is_flag=True, help=tr("the picture of the plant, in place of lines"))
@common
def command(
    line: Path | None,
    speed: float,
    port: int,
    initial: tuple[str, ...],
    seed: int | None,
    write_config: Path | None,
    scenario: Path | None,
    show: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Serve until interrupted, or until `linectl sim stop`."""
    from linectl.server.logs import quiet_libraries

    if show:
        from linectl.cli.sim_show import check_picture

        check_picture(tr("leave --show away, and look with: linectl sim show --plain"))
    if write_config is not None and not write_config.parent.is_dir():
        text = tr("there is no folder {folder}").format(folder=write_config.parent)
        raise click.BadParameter(text, param_hint="--write-config")
    quiet_libraries()
    wanted = _wanted(line, scenario, _start(initial), seed=seed, speed=speed, port=port, data=data)
    asyncio.run(_serve(wanted, _Face(as_json=as_json, quiet=show), write_config, show=show))
    return 0


def _start(initial: Iterable[str]) -> dict[str, float]:
    start: dict[str, float] = {}
    for name, text in pairs(initial, "TAG=NUMBER").items():
        try:
            start[name] = float(text.replace(",", "."))
        except ValueError:
            wrong = tr("expected {expected}, not {text}").format(expected="TAG=NUMBER", text=f"{name}={text}")
            raise click.BadParameter(wrong, param_hint="--initial") from None
    return start


def _wanted(
    line: Path | None, scenario: Path | None, initial: Mapping[str, float], *, seed: int | None, **more: Any
) -> Serving:
    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.config.scenario_file import find_scenario, load_scenario
    from linectl.server.simulation.serving import Serving
    from linectl.sim.faults.feasible import check_feasible, lots_of

    if scenario is None:
        definition = load_line(find_file(line or Path("simulated.yaml"), folder="config"))
        return Serving(definition, 1 if seed is None else seed, initial=initial, **more)
    plan = load_scenario(find_scenario(scenario))
    check_feasible(plan)
    definition = load_line(find_file(line or plan.line, beside=None if line else plan.source, folder="config"))
    return Serving(
        definition,
        plan.seed if seed is None else seed,
        initial={**plan.initial, **initial},
        lots=lots_of(plan),
        faults=plan.faults,
        duration_s=plan.duration_s,
        **more,
    )


@dataclass(frozen=True, slots=True)
class _Face:
    """Where a served line tells what becomes of it: as lines for people, or as JSON lines for programs."""

    as_json: bool
    quiet: bool

    def up(self, up: Up, file: Path | None) -> None:
        """Tell the addresses, and how to end it."""
        from linectl.line.links import address_of

        links = {name: address_of(settings) for name, settings in up.definition.links.items()}
        host = up.host
        if self.as_json:
            told = {
                "line": host.looker.line,
                "links": links,
                "seed": host.looker.rig.twin.seed,
                "speed": host.looker.clock.speed,
                "control": str(up.control),
                "line_file": None if file is None else str(file),
            }
            self._json("sim_up", told)
            return
        for name, address in links.items():
            self._say(tr("{what}: {text}").format(what=name, text=address))
        if file is not None:
            self._say(tr("line file: {file}").format(file=file))
        self._say(
            tr("seed {seed}, speed x{speed}").format(
                seed=host.looker.rig.twin.seed, speed=number(host.looker.clock.speed)
            )
        )
        self._say(tr("the rig is up; Ctrl+C ends it"))

    def fault(self, event: FaultEvent) -> None:
        """Tell that a fault began or ended."""
        if self.as_json:
            self._json("sim_event", {"event": f"fault_{event.what}", **event.data()})
            return
        what = tr("begins") if event.what == "began" else tr("is over")
        fault = f"{event.number} {event.kind} {event.target}".rstrip()
        self._say(f"{clock_text(event.process_s)}  " + tr("{what}: {text}").format(what=fault, text=what))

    def pace(self, pace: Pace) -> None:
        """Tell that the speed is not held any more, or held again."""
        if self.as_json:
            self._json("sim_event", {"event": "pace", "held": pace.held, **_late(pace)})
        elif pace.held:
            self._say(tr("the speed x{speed} is held again").format(speed=number(pace.speed)))
        else:
            text = tr("this computer does not hold the speed x{speed}: answers come {late} s late")
            self._say(text.format(speed=number(pace.speed), late=number(round(pace.late_s, 1))))

    def down(self, pace: Pace) -> None:
        """Tell that it has ended, and how punctual it was."""
        if self.as_json:
            self._json("sim_event", {"event": "down", **_late(pace)})
            return
        if pace.overruns:
            text = tr("late {times} of {all} times, {worst} s at most")
            worst = number(round(pace.worst_s, 2))
            self._say(text.format(times=pace.overruns, all=pace.ticks, worst=worst))
        self._say(tr("the rig is down"))

    def _say(self, text: str) -> None:
        if not self.quiet:
            with suppress(OSError):  # a closed terminal does not end the line
                click.echo(text)

    def _json(self, schema: str, data: Mapping[str, Any]) -> None:
        from linectl.cli.output import envelope

        with suppress(OSError):
            sys.stdout.write(envelope(schema, data) + "\n")
            sys.stdout.flush()


def _late(pace: Pace) -> dict[str, float]:
    return {"ticks": pace.ticks, "overruns": pace.overruns, "worst_s": round(pace.worst_s, 3)}


async def _tell_pace(up: Up, face: _Face) -> None:
    """Tell each time when the speed is lost or held again."""
    held = True
    while True:
        await asyncio.sleep(_PACE_S)
        pace = up.host.meter.pace()
        if pace.held != held:
            held = pace.held
            face.pace(pace)


async def _serve(wanted: Serving, face: _Face, write_config: Path | None, *, show: bool) -> None:
    from linectl.server.simulation.serving import serving

    stop = asyncio.Event()
    ended_by(stop)
    async with serving(wanted, stop=stop, on_event=face.fault) as up:
        if write_config is not None:
            _write_line(up, write_config)
        face.up(up, write_config)
        telling = asyncio.create_task(_tell_pace(up, face), name="pace")
        try:
            if show:
                await _show(up, stop)
            await stop.wait()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        pace = up.host.meter.pace()
    face.down(pace)


def _write_line(up: Up, file: Path) -> None:
    from linectl.config.dump import dump_line

    part = file.with_name(file.name + ".part")
    part.write_text(dump_line(up.definition), encoding="utf-8")
    part.replace(file)


async def _show(up: Up, stop: asyncio.Event) -> None:
    """Show the picture until it is closed, which ends the line, or until the line ends."""
    from linectl.tui.twin_picture import TwinPicture

    picture = TwinPicture(up.host.look, ends=True)
    screen = asyncio.create_task(picture.run_async())
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait((screen, ended), return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    picture.exit()
    await asyncio.gather(screen, ended)
