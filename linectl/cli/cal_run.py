"""`linectl cal run`: what its command line may say, and how the parts of a calibration follow one another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from linectl.cli.cal_points import DECIMAL, DUE, POINTS, POSITIVE, Given, decimal_of
from linectl.cli.complete import lines, tags
from linectl.cli.options import common
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.cli.cal_titration import Titration
    from linectl.cli.cal_wizard import Request
    from linectl.model.lines import LineDefinition, Tag

__all__ = ["command", "line_option", "load"]

F = TypeVar("F", bound=Callable[..., Any])
Option = Callable[[Any], Any]

line_option = click.option(
    "--line",
    "line",
    type=click.Path(path_type=Path),
    envvar="LINECTL_LINE",
    shell_complete=lines,
    help=tr("line file (else LINECTL_LINE, else the line that is served)"),
)

_POINTS = (
    click.option(
        "--points",
        type=POINTS,
        default=(),
        help=tr("reference values apart by `;`: 60, or 60±0,02, or with the reading 60±0,02=60,4"),
    ),
    click.option(
        "--degree",
        type=click.IntRange(0, 3),
        help=tr("0 offset, 1 offset and gain, 2 or 3 polynomial (else 1; of one point 0)"),
    ),
    click.option(
        "--reference-u", type=POSITIVE, help=tr("standard uncertainty (k = 1) of the reference, in the tag's unit")
    ),
    click.option(
        "--resolution", type=POSITIVE, help=tr("least step of a reading (else its register's, or the least seen)")
    ),
)
_WAIT = (
    click.option("--window", "window_s", type=POSITIVE, default=60.0, help=tr("how long it must be stable, s (60)")),
    click.option("--within", "within_s", type=POSITIVE, default=600.0, help=tr("longest wait for a point, s (600)")),
    click.option("--drift", type=POSITIVE, help=tr("most change over the window, in the tag's unit")),
    click.option("--scatter", type=POSITIVE, help=tr("most scatter (standard deviation), in the tag's unit")),
)
_TITRATION = (
    click.option("--titration", is_flag=True, help=tr("NaOH: a factor, by samples titrated with acid")),
    click.option(
        "--acid", "acid_ml", type=POSITIVE, multiple=True, help=tr("acid to pH 8.3 in mL; once for each sample")
    ),
    click.option(
        "--acid-total",
        "total_ml",
        type=POSITIVE,
        multiple=True,
        help=tr("acid in all to pH 4.3 in mL, which tells carbonate apart; once for each sample"),
    ),
    click.option("--normality", type=POSITIVE, help=tr("normality of the acid in mol/L")),
    click.option("--sample", "sample_ml", type=POSITIVE, help=tr("volume of each sample in mL")),
    click.option(
        "--sample-temperature",
        "sample_c",
        type=DECIMAL,
        default=20.0,
        help=tr("of the sample as its volume was measured, °C (20)"),
    ),
    click.option(
        "--acid-u", "acid_u_ml", type=POSITIVE, default=0.05, help=tr("uncertainty of a volume of acid, mL (0.05)")
    ),
    click.option("--normality-u", type=POSITIVE, default=0.2, help=tr("uncertainty of the normality, % (0.2)")),
    click.option("--sample-u", type=POSITIVE, default=0.3, help=tr("uncertainty of the sample's volume, % (0.3)")),
    click.option(
        "--reading", type=POSITIVE, help=tr("what linectl showed as the sample was taken, % (else it is read now)")
    ),
)
_RECORD = (
    click.option("--certificate", help=tr("certificate of the reference, or what it is")),
    click.option("--note", default="", help=tr("what else should be known")),
    click.option(
        "--due", type=DUE, help=tr("until when it holds: 2027-11-23, 23/11/2027, 365d (a titration 7d, else 365d)")
    ),
    click.option("--no-activate", is_flag=True, help=tr("keep it, but let the old one stay active")),
    click.option("-y", "--yes", is_flag=True, help=tr("accept without asking")),
    click.option("--reason", default="", help=tr("why, for the audit trail")),
)


def _all(*groups: tuple[Option, ...]) -> Callable[[F], F]:
    """Add groups of options to a verb, in their order."""

    def add(function: F) -> F:
        for group in reversed(groups):
            for option in reversed(group):
                function = option(function)
        return function

    return add


@click.command(
    "run", help=tr("Calibrate SENSOR: a reference value, a stable reading, the next point; then accept, or not.")
)
@click.argument("sensor", shell_complete=tags)
@line_option
@click.option("--sim", is_flag=True, help=tr("on a simulated rig of its own, brought to each reference value"))
@click.option("--seed", type=int, default=1, help=tr("with --sim: seed of the rig"))
@click.option("--initial", multiple=True, metavar="TAG=VALUE", help=tr("with --sim: what the rig starts with"))
@_all(_POINTS, _WAIT, _TITRATION, _RECORD)
@common
def command(**said: Any) -> int:
    """Calibrate, and keep it if it is accepted."""
    from linectl.cli.cal_titration import titrate
    from linectl.cli.cal_wizard import Wizard
    from linectl.server.calibrating import sensor_of

    _must_fit_together(said)
    definition = load(said["line"], said["data"])
    tag = sensor_of(definition, said["sensor"])
    wizard = Wizard(definition, tag, _request(said, tag))
    wizard.check()
    with wizard.measuring():
        record = titrate(wizard, _titration(said)) if said["titration"] else wizard.comparison()
    return wizard.end(record)


def _must_fit_together(said: dict[str, Any]) -> None:
    """Refuse options that would do nothing.

    Raises:
        click.UsageError: there is one.
    """
    names = {"acid_ml": "--acid", "total_ml": "--acid-total", "normality": "--normality", "sample_ml": "--sample"}
    idle = [name for key, name in {**names, "reading": "--reading"}.items() if said[key] and not said["titration"]]
    if idle:
        raise click.UsageError(tr("{options}: only with --titration").format(options=", ".join(idle)))
    if said["titration"] and (said["points"] or said["degree"] is not None):
        raise click.UsageError(tr("a titration is one point: --points and --degree do not go with it"))
    if said["initial"] and not said["sim"]:
        raise click.UsageError(tr("{options}: only with --sim").format(options="--initial"))


def _request(said: dict[str, Any], tag: Tag) -> Request:
    from linectl.cli.cal_wizard import Request
    from linectl.line.stability import criterion_for

    points: tuple[Given, ...] = said["points"]
    return Request(
        criterion=criterion_for(
            tag, drift=said["drift"], scatter=said["scatter"], window_s=said["window_s"], within_s=said["within_s"]
        ),
        points=points,
        degree=said["degree"],
        reference_u=said["reference_u"],
        resolution=said["resolution"],
        certificate=said["certificate"],
        note=said["note"],
        due=said["due"],
        sim=said["sim"],
        seed=said["seed"],
        initial=_initial(said["initial"]),
        activate=not said["no_activate"],
        yes=said["yes"],
        reason=said["reason"],
        data=said["data"],
        as_json=said["as_json"],
    )


def _initial(words: tuple[str, ...]) -> dict[str, float]:
    from linectl.cli.sim_options import pairs

    found = {}
    for name, text in pairs(words, "TAG=NUMBER").items():
        try:
            found[name] = decimal_of(text)
        except ValueError:
            wrong = tr("expected {expected}, not {text}").format(expected="TAG=NUMBER", text=f"{name}={text}")
            raise click.BadParameter(wrong, param_hint="--initial") from None
    return found


def _titration(said: dict[str, Any]) -> Titration:
    from linectl.cli.cal_titration import Titration

    return Titration(
        acid_ml=said["acid_ml"],
        total_ml=said["total_ml"],
        normality=said["normality"],
        sample_ml=said["sample_ml"],
        sample_c=said["sample_c"],
        acid_u_ml=said["acid_u_ml"],
        normality_u=said["normality_u"] / 100.0,
        sample_u=said["sample_u"] / 100.0,
        reading=said["reading"],
    )


def load(line: Path | None, data: Path | None) -> LineDefinition:
    """Return the line in the file `line`, looked for where lines are; without one the line that is served.

    Raises:
        ConfigError: there is no such file, or mistakes are in it.
        Unreachable: none was named, and none is served.
    """
    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.server.logs import quiet_libraries

    quiet_libraries()
    return load_line(find_file(line, folder="config") if line is not None else _served(data))


def _served(data: Path | None) -> Path:
    """Return the file of the line that is served.

    Raises:
        Unreachable, Refused: none is, or several are.
    """
    from linectl.cli.operator import operator_name
    from linectl.server.finding import connect

    with connect(data, operator=operator_name()) as server:
        return Path(server.call("status", sections=["line"])["line"]["source"])
