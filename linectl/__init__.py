"""linectl: control software of a bottle-washing line and its label-removal lab.

For scripts: `async with linectl.open_line("simulated") as bench: ...` and `linectl.run(main(), sim=True)`. For runs
that are over, and past trials: `linectl.analyse(linectl.find_runs())`. Every name stands in docs/api.md.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it: `typing` itself takes a third of what the interpreter needs to start
if TYPE_CHECKING:
    from typing import Any

    from linectl.server.bench import Bench, RunResult
    from linectl.server.results.child import in_child
    from linectl.server.results.studies import (
        Runs,
        analyse,
        export,
        find_runs,
        fit,
        import_trials,
        judge_confirmation,
        load_experiment,
        next_soak,
        plan,
        predict,
        record_set,
        register_confirmation,
        release_time,
        report,
        value,
    )
    from linectl.server.scripts import open_line, run

__all__ = [
    "Bench",
    "RunResult",
    "Runs",
    "analyse",
    "export",
    "find_runs",
    "fit",
    "import_trials",
    "in_child",
    "judge_confirmation",
    "load_experiment",
    "next_soak",
    "open_line",
    "plan",
    "predict",
    "record_set",
    "register_confirmation",
    "release_time",
    "report",
    "run",
    "value",
]

_ROOMS = {
    "Bench": "bench",
    "RunResult": "bench",
    "in_child": "results.child",
    "open_line": "scripts",
    "run": "scripts",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: `import linectl` alone loads nothing heavy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"linectl.server.{_ROOMS.get(name, 'results.studies')}"), name)


def __dir__() -> list[str]:
    """Return the public names, for completion in a notebook."""
    return sorted(__all__)
