"""The doctor's judgement of links that did not open. Pure."""

from __future__ import annotations

from drivers.settings import LinkSettings, MqttSettings
from linectl.line.links import address_of, what_to_try
from linectl.server.doctor_finding import Finding, Level, Place
from linectl.words import tr

__all__ = ["judge_unopened"]


def judge_unopened(link: str, settings: LinkSettings, why: str, file: str) -> Finding:
    """Return the finding on the link called `link`, which said `why` when it was opened; `file` is file:line."""
    what = tr("{link} did not open: {why}").format(link=link, why=why)
    place = Place("", address_of(settings), file)
    code, do = _advice(settings, why.lower())
    return Finding(Level.ERROR, "links", code, what, do, place, exit_code=4)


def _advice(settings: LinkSettings, why: str) -> tuple[str, str]:
    """Return a machine word for what is wrong, and what to do about it."""
    if isinstance(settings, MqttSettings):
        if "certificate" in why or "ssl" in why or "tls" in why:
            return "broker_tls", tr(
                "is `ca_file` the authority of this broker, and `host` the name in its certificate?"
            )
        if "refuses to send" in why:
            return "broker_acl", tr("the broker's access list (acl_file) must let this user read these topics")
        if "authori" in why or "user name" in why or "not authorised" in why:
            return "broker_login", tr("are `username` and its password right, and does the broker know them?")
    return "link_unopened", what_to_try(settings)
