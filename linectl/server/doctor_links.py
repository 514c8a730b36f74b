"""The doctor's judgement of links that did not open. Pure."""

from __future__ import annotations

from drivers.settings import LinkSettings, MqttSettings
from linectl.line.links import address_of, broker_trouble, what_to_try
from linectl.server.doctor_finding import Finding, Level, Place
from linectl.words import tr

__all__ = ["judge_unopened"]


def judge_unopened(link: str, settings: LinkSettings, why: str, file: str) -> Finding:
    """Return the finding on the link called `link`, which said `why` when it was opened; `file` is file:line."""
    what = tr("{link} did not open: {why}").format(link=link, why=why)
    place = Place("", address_of(settings), file)
    code, do = "link_unopened", what_to_try(settings, why)
    if isinstance(settings, MqttSettings):
        code, do = broker_trouble(settings, why)
    return Finding(Level.ERROR, "links", code, what, do, place, exit_code=4)
