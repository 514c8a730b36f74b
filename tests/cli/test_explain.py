"""Every error code has one explanation, every explanation a code in use; `linectl explain` tells them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
import pytest

import drivers
import linectl
from linectl import errors
from linectl.cli.codes.catalogue import catalogue, explanation, families, nearest
from linectl.cli.explain import UnknownCode
from linectl.cli.output import complaint, envelope
from linectl.cli.verbs import group
from linectl.errors import LinectlError
from linectl.store.export.parquet import MissingExtra

CODE = re.compile(r"E-[A-Z]+-(?:[0-9]{3}|[A-Z_]+)")
LIKE_A_CODE = re.compile(r"E-[A-Z]+-.*")
PACKAGE = Path(linectl.__file__).parent
CATALOGUE = PACKAGE / "cli" / "codes"

Say = Callable[..., tuple[int, str, str]]


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Give each text that is an error code, wherever it stands: a keyword, a class's own, a member of a set."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value


def made_up_codes(tree: ast.AST) -> Iterator[str]:
    """Give each f-string that begins like a code: nobody can find such a code in the sources."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and node.values:
            first = node.values[0]
            if isinstance(first, ast.Constant) and LIKE_A_CODE.fullmatch(str(first.value)):
                yield ast.unparse(node)


def ends_in(tree: ast.AST, exits: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Give each code that an error's class or call has in its own place, with the exit code of that class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for keyword in node.keywords:
                if keyword.arg == "code" and name in exits:
                    yield from ((code, exits[name]) for code in codes_in(keyword.value))
        if isinstance(node, ast.ClassDef) and node.name in exits:
            for line in node.body:
                if isinstance(line, ast.Assign):
                    yield from ((code, exits[node.name]) for code in codes_in(line))


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in (PACKAGE, Path(drivers.__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            if CATALOGUE not in path.parents:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def exits_by_class() -> dict[str, int]:
    kinds = {**vars(errors), "MissingExtra": MissingExtra, "UnknownCode": UnknownCode}
    return {
        name: each.exit_code
        for name, each in kinds.items()
        if isinstance(each, type) and issubclass(each, LinectlError)
    }


def test_each_code_of_the_sources_is_explained() -> None:
    used = defaultdict(list)
    for path, tree in sources():
        for code in codes_in(tree):
            used[code].append(path.name)
    assert len(used) > 70
    missing = {code: places for code, places in used.items() if explanation(code) is None}
    assert not missing, f"explain them in linectl/cli/codes: {missing}"


def test_each_explanation_is_of_a_code_in_use() -> None:
    used = {code for _, tree in sources() for code in codes_in(tree)}
    assert not {each.code for each in catalogue()} - used


def test_no_code_is_put_together_where_nobody_finds_it() -> None:
    assert [(path.name, text) for path, tree in sources() for text in made_up_codes(tree)] == []


def test_each_code_stands_once_in_the_catalogue_and_each_text_is_of_one_code() -> None:
    told = [code for path in CATALOGUE.glob("*.py") for code in codes_in(ast.parse(path.read_text("utf-8")))]
    assert sorted(told) == sorted(set(told))
    meanings = [each.meaning for each in catalogue()]
    assert len(set(meanings)) == len(meanings) == len(told)


def test_a_code_has_one_meaning_all_its_errors_end_alike_as_explained() -> None:
    exits = exits_by_class()
    found = {pair for _, tree in sources() for pair in ends_in(tree, exits)}
    assert len(found) > 40
    told = {each.code: each.exit_code for each in catalogue()}
    wrong = sorted((code, ends) for code, ends in found if told[code] not in {ends, 0})
    assert not wrong


def test_the_checks_can_fail() -> None:
    tree = ast.parse('raise Refused("x", code="E-XYZ-999")\nraise StoreError("y", code="E-XYZ-999")\nf"E-XYZ-{n}"')
    assert set(codes_in(tree)) == {"E-XYZ-999"}
    assert set(ends_in(tree, exits_by_class())) == {("E-XYZ-999", 6), ("E-XYZ-999", 5)}
    assert list(made_up_codes(tree))
    assert explanation("E-XYZ-999") is None


def test_each_code_is_of_a_family_and_each_family_has_codes() -> None:
    assert {each.family for each in catalogue()} == families().keys()


def command_of(line: str) -> tuple[click.Command, list[str]]:
    """Return the command that `line` calls and the rest of its words."""
    rest = line.split()[1:]
    command: click.Command = group
    while isinstance(command, click.Group) and rest:
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, line
        command, rest = found, rest[1:]
    return command, rest


def test_each_command_to_copy_exists_with_its_options() -> None:
    for each in catalogue():
        if not each.command.startswith("linectl "):
            assert each.command == "pip install 'linectl[parquet]'"
            continue
        command, rest = command_of(each.command)
        assert not isinstance(command, click.Group), each.command
        known = {option for param in command.params for option in param.opts} | {"--help"}
        assert {word for word in rest if word.startswith("-")} <= known, each.command


def test_a_code_is_explained_whatever_its_letters(say: Say) -> None:
    code, out, _ = say("explain", "e-sim-001")
    found = explanation("E-SIM-001")
    assert found is not None
    assert code == 0
    assert all(text in out for text in (found.code, found.meaning, found.causes, found.remedy, found.command, " 4"))


def test_without_a_code_all_are_listed(say: Say) -> None:
    code, out, _ = say("explain")
    assert code == 0
    listed = [line.split("\t")[0] for line in out.splitlines()[1:]]
    assert listed == [each.code for each in catalogue()] == sorted(listed)


def test_an_explanation_as_json(say: Say) -> None:
    _, out, _ = say("explain", "E-CFG-001", "--json")
    body = json.loads(out)
    assert body["schema"] == "linectl.explain/1"
    assert set(body["data"]) == {"family", "code", "exit_code", "meaning", "causes", "remedy", "command"}
    assert (body["data"]["family"], body["data"]["exit_code"]) == ("CFG", 3)
    _, out, _ = say("explain", "--json")
    assert [each["code"] for each in json.loads(out)["data"]] == [each.code for each in catalogue()]


@pytest.mark.parametrize(
    ("wrong", "first"),
    [("E-SIM-0O1", "E-SIM-001"), ("SIM-005", "E-SIM-005"), ("e-wrt-limits", "E-WRT-LIMIT"), ("E-DAT-040", "E-DAT-041")],
)
def test_a_code_that_is_not_there_is_told_with_the_nearest(say: Say, wrong: str, first: str) -> None:
    assert first in [each.code for each in nearest(wrong)]
    code, _, err = say("explain", wrong)
    assert code == 2
    assert f"linectl explain {first}" in err


def test_a_word_like_no_code_leads_to_the_list(say: Say) -> None:
    code, _, err = say("explain", "nothing")
    assert (code, nearest("nothing")) == (2, [])
    assert "linectl explain" in err
    code, out, _ = say("explain", "nothing", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "E-USE-002")


def test_every_error_says_where_it_is_explained(say: Say, tmp_path: Path) -> None:
    code, _, err = say("report", "--data", str(tmp_path))
    assert code == 6
    assert err.rstrip().endswith("linectl explain E-LIM-001")
    error = LinectlError("x", hint="do this\n\nor that", code="E-SIM-001")
    assert json.loads(envelope("error", None, error))["error"]["docs"] == "linectl explain E-SIM-001"
    assert [line.strip() for line in complaint(error).splitlines()][:3] == ["linectl: x", "do this", "or that"]


def test_explaining_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom linectl.cli.main import run\nrun(['explain', 'E-CFG-001'])\n"
        "print(*{'yaml', 'pydantic', 'numpy', 'asyncio', 'linectl.cli.run'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_help_and_version_do_not_load_the_catalogue() -> None:
    for argument in ("--help", "--version"):
        code = (
            f"import sys\nfrom linectl.cli.main import run\nrun(['{argument}'])\nprint(*sys.modules, file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not {"linectl.cli.explain", "linectl.cli.codes.catalogue"} & set(done.stderr.split())
