"""Washer, recipe and economics files -> types of `linectl.model`; a recipe is checked against its washer."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from linectl.config.economics_file import EconomicsFile, check_economics, economics
from linectl.config.files import SourceText, find_file, read_source
from linectl.config.nodes import Document, parse
from linectl.config.schema import FileModel, nearest, validate
from linectl.config.washer_file import (
    RecipeFile,
    WasherFile,
    check_recipe,
    check_recipe_fits,
    check_washer,
    recipe,
    washer,
)
from linectl.errors import ConfigError
from linectl.model.economics import Economics
from linectl.model.washing import Recipe, Washer
from linectl.words import tr

__all__ = [
    "PLANT_KINDS",
    "load_economics",
    "load_plant_text",
    "load_recipe",
    "load_recipe_text",
    "load_washer",
    "washer_of",
]

PLANT_KINDS = ("washer", "recipe", "economics")
RECIPE_FOLDER = "config/recipes"

Model = TypeVar("Model", bound=FileModel)


def load_washer(path: str | Path) -> Washer:
    """Return the washer that the file `path` describes.

    Raises:
        ConfigError: with every problem in the file.
    """
    return _washer(read_source(path))


def load_recipe(path: str | Path, machine: Washer | None = None) -> Recipe:
    """Return the recipe in the file `path`, checked against `machine`, else against the washer that it names.

    Raises:
        ConfigError: with every problem in the file, or without the washer's own file.
    """
    return load_recipe_text(read_source(path), machine)


def load_recipe_text(source: SourceText, machine: Washer | None = None) -> Recipe:
    """Return the recipe in the text of a file, checked against `machine`, else against the washer that it names.

    Raises:
        ConfigError: with every problem in the file, or without the washer's own file.
    """
    document, file = _read(source, "recipe", RecipeFile)
    if file is not None:
        check_recipe(file, document)
    if file is None or document.problems:
        raise _problems(document)
    made = recipe(file, source)
    check_recipe_fits(made, machine or load_washer(washer_of(made)), document)
    if document.problems:
        raise _problems(document)
    return made


def washer_of(made: Recipe) -> Path:
    """Return the file of the washer that a recipe names: beside it, in the folder above it, else as any file.

    Raises:
        ConfigError: it is in none of these places.
    """
    home = Path(made.source).parent
    return find_file(made.washer, beside=home if (home.parent / f"{made.washer}.yaml").is_file() else made.source)


def load_economics(path: str | Path) -> Economics:
    """Return the economics that the file `path` describes.

    Raises:
        ConfigError: with every problem in the file.
    """
    return _economics(read_source(path))


def load_plant_text(source: SourceText, kind: str) -> Washer | Recipe | Economics:
    """Return what the text of a file of one of `PLANT_KINDS` describes.

    Raises:
        ConfigError: with every problem in the file.
    """
    if kind == "washer":
        return _washer(source)
    return load_recipe_text(source) if kind == "recipe" else _economics(source)


def _washer(source: SourceText) -> Washer:
    document, file = _read(source, "washer", WasherFile)
    if file is not None:
        check_washer(file, document)
    if file is None or document.problems:
        raise _problems(document)
    return washer(file, source)


def _economics(source: SourceText) -> Economics:
    document, file = _read(source, "economics", EconomicsFile)
    if file is not None:
        check_economics(file, document)
    if file is None or document.problems:
        raise _problems(document)
    return economics(file, source)


def _read(source: SourceText, kind: str, model: type[Model]) -> tuple[Document, Model | None]:
    """Return the document and its file; when it is of another kind, that alone is said."""
    document = parse(source)
    given = document.data.get("kind") if isinstance(document.data, dict) else None
    if given != kind:
        if document.data is not None or not document.problems:
            message = tr("expected `kind: {kind}`").format(kind=kind)
            if given is not None:
                near = nearest(str(given), (kind,))
                message = tr("`{kind}` is not known here; {nearest}").format(kind=given, nearest=near)
            document.complain(("kind",), message)
        raise _problems(document)
    return document, validate(document, model)


def _problems(document: Document) -> ConfigError:
    return ConfigError(sorted(document.problems, key=lambda each: (each.line, each.column)))
