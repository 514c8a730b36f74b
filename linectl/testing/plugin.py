"""The pytest plugin of linectl: a simulated line as a fixture, its seed, its faults, and what a failure prints.

Every pytest run on a computer that has linectl imports this module: it imports pytest alone, and the rest inside.

- `simulated_line`: a line in virtual time; hours pass in seconds (`linectl.testing.line.LineInTest`).
- `served_line`: a line on loopback wires in real time, for programs that talk to devices (`ServedLine`).
- `line_faults`: what breaks the devices of the test's line (`linectl.testing.line_faults.LineFaults`).
- `line_seed`: the test's seed; `--line-seed N` replaces it, `--line-seed random` draws one for the session.
- `@pytest.mark.line(...)`: line, seed or seeds, start values, scenario (`linectl.testing.asked.MARKER`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from linectl.testing.line import LineInTest, ServedLine
    from linectl.testing.line_faults import LineFaults

__all__ = ["line_faults", "line_seed", "served_line", "simulated_line"]

T = TypeVar("T")

_LINES = pytest.StashKey[list["LineInTest"]]()
_SESSION_SEED = pytest.StashKey[int | None]()
_WORKERS_SEED = "linectl_line_seed"
_USUAL_SEED = 1


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take --line-seed."""
    parser.getgroup("linectl").addoption(
        "--line-seed", metavar="N", help="seed of simulated lines in place of the tests' own; `random` draws one"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; read the seed of the session."""
    from linectl.testing.asked import MARKER

    config.addinivalue_line("markers", MARKER)
    given = getattr(config, "workerinput", {})  # of pytest-xdist: this process is one of several
    said = given.get(_WORKERS_SEED, config.getoption("--line-seed"))
    config.stash[_SESSION_SEED] = _session_seed(said)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the other processes of the session (pytest-xdist) the seed that was drawn here."""
    node.workerinput[_WORKERS_SEED] = node.config.stash[_SESSION_SEED]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Tell the seed of the session, when there is one."""
    seed = config.stash[_SESSION_SEED]
    return [] if seed is None else [f"linectl: --line-seed {seed}"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once with each of its `seeds`."""
    marker = metafunc.definition.get_closest_marker("line")
    if marker is None or "seeds" not in marker.kwargs or "line_seed" not in metafunc.fixturenames:
        return
    session = metafunc.config.stash[_SESSION_SEED]
    seeds = _marked_seeds(metafunc.definition) if session is None else [session]
    metafunc.parametrize("line_seed", seeds, ids=[f"seed-{seed}" for seed in seeds])


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let a coroutine test that has the fixture `simulated_line` run in the time of its line."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        names = inspect.signature(item.obj).parameters
        if "simulated_line" in names:
            item.obj = _on_the_line(item.obj, awaited=type(item) is not pytest.Function)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what is known of the line to the report of a test that failed, itself or in a fixture that uses the line."""
    report = yield
    lines = item.stash.get(_LINES, [])
    if report.failed and report.when != "teardown":  # by then it is closed
        for line in lines:
            from linectl.testing.report import replay_command, told

            text = f"{told(line)}\nreplay: {replay_command(item, line.seed)}"
            report.sections.append(("simulated line", text))
    return report


@pytest.fixture
def line_seed(request: pytest.FixtureRequest) -> int:
    """The seed of the test's line: of --line-seed, else of its marker or its scenario, else 1."""
    session = request.config.stash[_SESSION_SEED]
    if session is not None:
        return session
    for seed in _marked_seeds(request.node):
        return seed
    marker = request.node.get_closest_marker("line")
    if marker is None or not marker.kwargs.get("scenario"):
        return _USUAL_SEED
    from linectl.testing.line_faults import scenario_of

    return scenario_of(marker.kwargs["scenario"], request.node.path).seed


@pytest.fixture
def simulated_line(request: pytest.FixtureRequest, line_seed: int) -> Generator[LineInTest]:
    """A simulated line in virtual time: `simulated_line.run(experiment)` awaits `experiment(bench)`."""
    from linectl.testing.line import LineInTest

    yield from _opened(request, line_seed, LineInTest)


@pytest.fixture
def served_line(request: pytest.FixtureRequest, line_seed: int) -> Generator[ServedLine]:
    """A simulated line on loopback wires in real time: `served_line.address("plc")` is where its PLC answers."""
    from linectl.testing.line import ServedLine

    yield from _opened(request, line_seed, ServedLine)


@pytest.fixture
def line_faults(request: pytest.FixtureRequest) -> LineFaults:
    """What breaks the devices of the test's line: `line_faults.add("heater_weak", "bath", power=0.6)`."""
    name = "served_line" if "served_line" in request.fixturenames else "simulated_line"
    line: LineInTest = request.getfixturevalue(name)
    return line.faults


def _opened(request: pytest.FixtureRequest, seed: int, kind: Callable[..., Any]) -> Generator[Any]:
    from linectl.testing.asked import asked_by

    asked = _read_marker(request.node, asked_by)
    line = kind(asked, seed=seed, folder=request.getfixturevalue("tmp_path"), beside=request.node.path)
    request.node.stash.setdefault(_LINES, []).append(line)
    yield line
    line.close()


def _marked_seeds(item: pytest.Item) -> list[int]:
    from linectl.testing.asked import seeds_of

    return list(_read_marker(item, seeds_of))


def _read_marker(item: pytest.Item, read: Callable[[Mapping[str, Any] | None], T]) -> T:
    """Return what `read` makes of the marker of `item`; one that cannot be meant fails the test."""
    from linectl.testing.asked import BadMarker

    marker = item.get_closest_marker("line")
    try:
        return read(None if marker is None else marker.kwargs)
    except BadMarker as error:
        why = str(error)
    pytest.fail(why, pytrace=False)


def _on_the_line(test: Callable[..., Any], *, awaited: bool) -> Callable[..., Any]:
    """Return `test` as a function that awaits it in the time of its line; a coroutine when others await it."""

    @functools.wraps(test)
    def plain(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        line: LineInTest = kwargs["simulated_line"]
        assert line.bench is not None  # opened before the test asks
        return line.drive(test(*args, **kwargs))

    @functools.wraps(test)
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        ours = hasattr(kwargs["simulated_line"], "drive")  # else a project's own fixture of that name
        return plain(*args, **kwargs) if ours else await test(*args, **kwargs)

    return coroutine if awaited else plain


def _session_seed(said: str | int | None) -> int | None:
    if said == "random":
        import secrets

        return secrets.randbelow(1_000_000)
    try:
        return None if said is None else int(said)
    except ValueError:
        raise pytest.UsageError(f"--line-seed takes a whole number or `random`, not {said}") from None
