"""Recipes and their washers on this machine: found by name, listed, written."""

from __future__ import annotations

from pathlib import Path

from linectl.config.files import find_file
from linectl.config.plant_files import RECIPE_FOLDER, load_recipe, load_washer, washer_of
from linectl.config.recipe_text import dump_recipe
from linectl.errors import ConfigError, StoreError
from linectl.model.washing import Recipe, Washer
from linectl.words import tr

__all__ = ["DEFAULT_RECIPE", "find_recipe", "recipe_files", "write_recipe"]

DEFAULT_RECIPE = "reference_80c"
OWN_FOLDER = Path("recipes")


def find_recipe(name: str, washer: Path | None = None) -> tuple[Recipe, Washer]:
    """Return the recipe called `name` (a file, or a name in `recipes` or in the shipped folder) and its washer.

    Raises:
        ConfigError: no such file, or mistakes in it or in its washer's.
    """
    own = [OWN_FOLDER / name, OWN_FOLDER / f"{name}.yaml"]
    path = next((file for file in own if file.is_file()), None) or find_file(name, folder=RECIPE_FOLDER)
    if washer is not None:
        machine = load_washer(find_file(washer))
        return load_recipe(path, machine), machine
    recipe = load_recipe(path)
    return recipe, load_washer(washer_of(recipe))


def recipe_files() -> list[Path]:
    """Return the recipe files: those in `recipes` of the working folder, then the shipped ones."""
    shipped = find_file(DEFAULT_RECIPE, folder=RECIPE_FOLDER).parent
    return [file for folder in (OWN_FOLDER, shipped) for file in sorted(folder.glob("*.yaml"))]


def write_recipe(recipe: Recipe, washer: Washer, target: Path) -> Path:
    """Write `recipe` as a file, whole or not at all; what was written reads back as the same recipe.

    Raises:
        ConfigError: it does not fit its washer.
        StoreError: the file cannot be written.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(dump_recipe(recipe), encoding="utf-8")
        load_recipe(part, washer)
        part.replace(target)
    except ConfigError:
        part.unlink()
        raise
    except OSError as error:
        raise StoreError(tr("{file} cannot be written: {why}").format(file=target, why=error.strerror)) from error
    return target
