"""Global flags stand before the verb, after it or between, and a wrong use is told to people and machines alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement, product

import click
import pytest

from linectl import words
from linectl.cli.flags import GROUPS, after_verb, wants_json
from linectl.cli.french_verbs import IN_FRENCH, verbs_meant
from linectl.cli.main import run
from linectl.cli.verbs import VERBS, group
from tests.words.test_catalogue import run_linectl

Say = Callable[..., tuple[int, str, str]]
PATH = ("sim", "fault", "ls")
FLAGS = (("--json",), ("--data", "d"), ("--data=d",), ("-y",), ("--reason", "because"), ("--timeout", "3"))


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, (*path, name))


def test_each_verb_has_the_flags_that_all_have() -> None:
    found = dict(leaves(group))
    assert len(found) > len(VERBS)
    for path, command in found.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "--data", "--lang"} <= options, path


def test_the_verbs_that_have_verbs_are_known() -> None:
    def groups(command: click.Group, path: tuple[str, ...] = ()) -> Iterator[str]:
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if isinstance(found, click.Group):
                yield " ".join((*path, name))
                yield from groups(found, (*path, name))

    assert isinstance(group, click.Group)
    assert set(groups(group)) == GROUPS, "bring GROUPS of linectl/cli/flags.py up to date"


@pytest.mark.parametrize("flags", list(product(FLAGS, repeat=2)), ids=lambda flags: " ".join(sum(flags, ())))
def test_wherever_the_flags_stand_before_the_last_verb_it_gets_the_same(flags: tuple[tuple[str, ...], ...]) -> None:
    for places in combinations_with_replacement(range(len(PATH) + 1), len(flags)):
        argv: list[str] = []
        for number, word in enumerate((*PATH, "x.yaml")):
            for place, flag in zip(places, flags, strict=True):
                argv += flag if place == number else ()
            argv.append(word)
        assert after_verb(argv) == [*PATH, *(part for flag in flags for part in flag), "x.yaml"]


@pytest.mark.parametrize(
    ("given_words", "moved"),
    [
        ("--json status --watch 5", "status --json --watch 5"),
        ("--json status -5", "status --json -5"),
        ("sim --json show --sim x", "sim show --json --sim x"),
        ("--json status -- --arm", "status --json -- --arm"),
        ("status -- --json", "status -- --json"),
        ("--nonsense --json status", "--nonsense --json status"),
        ("status --data", "status --data"),
        ("", ""),
    ],
)
def test_an_option_of_the_verbs_own_and_a_double_dash_stay_where_they_are(given_words: str, moved: str) -> None:
    assert after_verb(given_words.split()) == moved.split()
    assert wants_json(moved.split()) is ("--json" in moved.partition("-- ")[0])


@pytest.mark.parametrize(
    "argv",
    [
        ("stauts",),
        ("config", "chekc"),
        ("tags", "ls"),
        ("tags", "ls", "simulated", "--nonsense"),
        ("doctor", "--wait", "often"),
        ("config", "schema", "lin"),
        ("--lang", "de", "status"),
        ("status", "--data"),
        ("doctor", "--sim"),
    ],
)
def test_a_wrong_use_ends_with_2_and_is_told_to_people_and_machines(say: Say, argv: tuple[str, ...]) -> None:
    words.use("en")
    code, out, err = say(*argv)
    assert (code, out) == (2, "")
    assert "Error: " in err
    assert "linectl explain E-USE-003" in err
    code, out, err = say("--json", *argv)
    body = json.loads(out)
    assert code == 2
    assert (body["ok"], body["data"], body["error"]["code"]) == (False, None, "E-USE-003")
    assert body["error"]["message"] in err.replace("\n", " ")


def test_in_french() -> None:
    ended = run_linectl("tags", "--lang", "fr", "--json", "ls")
    assert ended.returncode == 2
    assert "Argument manquant" in json.loads(ended.stdout)["error"]["message"]
    assert "Missing" not in ended.stdout + ended.stderr
    assert "Utilisation" in ended.stderr or "Usage\u00a0:" in ended.stderr


def test_the_version_for_machines(say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    for argv in (["--json", "--version"], ["--lang", "en", "--json", "--version"]):
        capfd.readouterr()
        assert run(argv) == 0
        assert json.loads(capfd.readouterr().out)["schema"] == "linectl.version/1"


def test_a_french_word_leads_to_its_verb(say: Say) -> None:
    for word, hint in (
        ("aide", "linectl --help, linectl explain"),
        ("Régler", "linectl set"),
        ("etat", "linectl status"),
    ):
        code, _, err = say(word, "--lang", "fr")
        assert (code, hint in err) == (2, True), err
    assert verbs_meant("démarrer") == verbs_meant("demarrer") == ("start", "run")
    assert verbs_meant("xyz") == ()
    assert {verb.split()[0] for verbs in IN_FRENCH.values() for verb in verbs} - {"--help"} <= VERBS.keys()
    assert not IN_FRENCH.keys() & VERBS.keys()


def test_a_time_that_is_to_be_meant_says_its_unit(say: Say) -> None:
    for argv in (("alarms", "shelve", "hot", "--reason", "x"), ("set", "bath.stirrer", "30")):
        code, _, err = say(*argv, "--for", "30", "--lang", "en")
        assert (code, "30 of what? say the unit: 30s, 30m or 30h" in err) == (2, True)


@pytest.mark.parametrize("verb", ["alarms", "audit", "cal", "interlocks", "lot", "recipe", "runs", "secrets"])
def test_without_a_verb_it_lists(say: Say, verb: str) -> None:
    assert say(verb) == say(verb, "ls")
    assert say(verb, "--json") == say(verb, "ls", "--json")
    assert say(verb, "--help")[1] != say(verb, "ls", "--help")[1]
