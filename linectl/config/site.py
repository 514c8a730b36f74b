"""A new site's own folder: the lines, instruments, interlocks and experiments that come with linectl, copied out."""

from __future__ import annotations

import shutil
from pathlib import Path

from linectl.config.files import homes
from linectl.errors import ConfigError, Refused
from linectl.words import tr

__all__ = ["FOLDERS", "copy_out"]

FOLDERS = ("config", "experiments")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "__init__.py", ".*", "*.draft.yaml", "*.bak")


def copy_out(site: Path) -> list[Path]:
    """Copy what comes with linectl into the folder `site`, made when it is not there, and return the files.

    Each folder is copied aside and moved in place whole: one that is there is complete.

    Raises:
        Refused: the site has one of the folders already; nothing was copied.
        ConfigError: this installation has lost what came with it.
        OSError: the folder cannot be written.
    """
    home = next((home for home in homes() if all((home / folder).is_dir() for folder in FOLDERS)), None)
    if home is None:
        places = "\n".join(f"  {each}" for each in homes())
        text = tr("what came with linectl is not in its place:\n{places}").format(places=places)
        raise ConfigError(text, hint=tr("install linectl again"), code="E-CFG-002")
    there = [site / folder for folder in FOLDERS if (site / folder).exists()]
    if there or (site.exists() and not site.is_dir()):
        raise Refused(
            tr("{places}: there already, and nothing is written over").format(
                places=", ".join(map(str, there or [site]))
            ),
            hint=tr("name another folder; what differs from a new one: linectl config diff FILE OTHER"),
        )
    made: list[Path] = []
    for folder in FOLDERS:
        made += _copy(home / folder, site / folder)
    return made


def _copy(source: Path, target: Path) -> list[Path]:
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a copy that was cut off
    try:
        shutil.copytree(source, part, ignore=_LEFT_OUT, copy_function=shutil.copyfile)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return sorted(path for path in target.rglob("*") if path.is_file())
