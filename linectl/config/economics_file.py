"""What an economics file may say, its checks, and its way into `linectl.model.economics`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from linectl.config.files import SourceText
from linectl.config.nodes import Document
from linectl.config.schema import FileModel, Finite, nearest
from linectl.model.economics import INPUTS, Economics, Figure
from linectl.words import tr

__all__ = ["EconomicsFile", "check_economics", "economics", "value_problem"]


class FigureFile(FileModel):
    """One input: its value, its unit, and where it is from."""

    value: Finite
    unit: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]


class EconomicsFile(FileModel):
    """All inputs."""

    kind: Literal["economics"]
    name: str = ""
    description: str = ""
    inputs: dict[str, FigureFile]


def check_economics(file: EconomicsFile, document: Document) -> None:
    """Add to the document what does not fit together in the economics."""
    told = {problem.where for problem in document.problems}
    for name, figure in file.inputs.items():
        loc = ("inputs", name)
        if name not in INPUTS:
            document.complain(loc, tr("unknown key; {nearest}").format(nearest=nearest(name, list(INPUTS))))
        elif figure.unit != INPUTS[name]:
            message = tr("expected the unit {unit}, not {got}").format(unit=INPUTS[name], got=figure.unit)
            document.complain((*loc, "unit"), message)
        elif problem := value_problem(name, figure.value):
            document.complain((*loc, "value"), problem)
    missing = [name for name in INPUTS if name not in file.inputs and not any(name in where for where in told)]
    if missing:
        document.complain(("inputs",), tr("missing: {names}").format(names=", ".join(missing)))


def value_problem(name: str, value: float) -> str:
    """Return what is wrong with `value` for the input `name`, in words; "" when nothing is."""
    share = INPUTS[name] == "1" and name != "heat_loss_factor"
    if share and not 0.0 <= value < 1.0:
        return tr("expected a share from 0 to below 1, not {value:g}").format(value=value)
    if value < 0.0:
        return tr("expected 0 or more, not {value:g}").format(value=value)
    return ""


def economics(file: EconomicsFile, source: SourceText) -> Economics:
    """Return the economics that a checked file describes."""
    return Economics(
        name=file.name or Path(source.path).stem,
        figures={name: Figure(one.value, one.unit, one.source) for name, one in file.inputs.items()},
        description=file.description,
        source=source.path,
        file_hash=source.sha256,
    )
