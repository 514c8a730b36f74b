"""Files of recorded wires, as people name them."""

from __future__ import annotations

from pathlib import Path

from drivers.recordings.exchange import BadExchange, Exchange, read_exchange
from linectl.errors import ConfigError
from linectl.words import tr

__all__ = ["opened_recording"]


def opened_recording(path: Path) -> Exchange:
    """Return the recording in the file `path`.

    Raises:
        ConfigError: there is no such file, it is none, or damaged; the line is named.
    """
    if not path.exists():
        raise ConfigError(tr("{path}: no such file").format(path=path))
    try:
        return read_exchange(path)
    except BadExchange as error:
        hint = tr("is it a file that linectl made (*.wire.jsonl), and as it made it?")
        raise ConfigError(tr("no recording: {why}").format(why=error), hint=hint) from error
