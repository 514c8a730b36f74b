"""linectl: control software of a bottle-washing line and its label-removal lab.

For scripts: `async with linectl.open_line("simulated") as bench: ...` and `linectl.run(main(), sim=True)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linectl.server.scripts import Bench, SoakResult, open_line, run

__all__ = ["Bench", "SoakResult", "open_line", "run"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: `import linectl` alone loads nothing heavy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from linectl.server import scripts

    return getattr(scripts, name)
