"""Two files are compared as they are used: what differs is told with both its places, what does not is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from linectl.config.differences import Compared, compare
from linectl.config.files import SourceText, find_file, read_source
from linectl.config.nodes import where
from linectl.errors import ConfigError

ANSWERS = "kind: answers\nanswers:\n  in: yes\n  ph: 7\n"
LINE = find_file("simulated").read_text(encoding="utf-8")
EXPERIMENT = find_file("glue_screening", folder="experiments").read_text(encoding="utf-8")
INTERLOCKS = find_file("bath", folder="config/interlocks")


def between(before: str, after: str, path: str = "a.yaml") -> Compared:
    return compare(SourceText(path, before, ""), SourceText(f"{path}.new", after, ""))


def told(found: Compared) -> dict[str, tuple[object, object]]:
    return {
        where(each.loc): (each.before and each.before.value, each.after and each.after.value)
        for each in found.differences
    }


@pytest.mark.parametrize("text", [ANSWERS, LINE, EXPERIMENT])
def test_a_file_says_the_same_as_itself(text: str) -> None:
    assert between(text, text + "\n# a comment\n").differences == ()


def test_a_changed_value_has_both_its_places() -> None:
    (found,) = between(ANSWERS, ANSWERS.replace("ph: 7", "ph: 8")).differences
    assert found.before is not None
    assert found.after is not None
    assert (found.before.value, found.before.file, found.before.line, found.before.column) == (7, "a.yaml", 4, 3)
    assert (found.after.value, found.after.file, found.after.line) == (8, "a.yaml.new", 4)


def test_what_only_one_of_them_has() -> None:
    found = between(ANSWERS, ANSWERS.replace("  ph: 7", "  naoh: 2"))
    assert told(found) == {"answers.ph": (7, None), "answers.naoh": (None, 2)}


def test_a_default_written_out_is_no_difference_and_one_changed_is() -> None:
    assert "\nspeed:" not in LINE
    assert between(LINE, f"{LINE}\nspeed: 1.0\n").differences == ()
    (found,) = between(LINE, f"{LINE}\nspeed: 2.0\n").differences
    assert found.before is not None
    assert (found.before.value, found.before.file) == (1.0, "")  # a default stands nowhere


def test_truth_is_no_number_and_1_is_1_0() -> None:
    assert told(between(ANSWERS.replace("7", "1"), ANSWERS.replace("7", "true"))) == {"answers.ph": (1, True)}
    assert between(ANSWERS.replace("7", "1"), ANSWERS.replace("7", "1.0")).differences == ()


def test_an_item_of_a_list_is_known_again_by_its_name_when_another_was_put_before_it() -> None:
    before = INTERLOCKS.read_text("utf-8")
    first = before.index("\ncases:\n") + len("\ncases:\n")
    end = before.index("\n  - ", first)
    case = before[first : end + 1]
    assert case.lstrip().startswith("- ")
    names = [line for line in case.splitlines() if "case:" in line or "name:" in line]
    assert names
    added = case.replace(names[0], f"{names[0]} again")
    found = between(before, before[:first] + added + before[first:], str(INTERLOCKS))
    assert not found.as_written
    assert [(where(each.loc), each.before) for each in found.differences] == [("cases[0]", None)]


def test_files_with_mistakes_are_compared_as_they_are_written() -> None:
    found = between(LINE, LINE.replace("kind: line", "kind: line\nnonsense: 1"))
    assert found.as_written
    assert told(found) == {"nonsense": (None, 1)}


def test_files_of_two_kinds_and_what_is_no_yaml_are_refused() -> None:
    with pytest.raises(ConfigError, match="only files of one kind"):
        between(ANSWERS, LINE)
    with pytest.raises(ConfigError, match=r"a\.yaml\.new:1:"):
        between(ANSWERS, "[")


def test_no_password_is_told(tmp_path: Path) -> None:
    for name, text in (("a.yaml", "hunter2"), ("b.yaml", "hunter3")):
        secret = tmp_path / f"{name}.secret"
        secret.write_text(text)
        secret.chmod(0o600)
        (tmp_path / name).write_text(
            "kind: line\nname: x\nlinks: {m: {type: mqtt, host: h, username: u, "
            f"password_file: {name}.secret}}}}\nscans: {{slow: 9}}\n"
            'tags: {a.t: {link: m, point: "a#t", kind: float, scan: slow}}\n'
        )
    found = compare(read_source(tmp_path / "a.yaml"), read_source(tmp_path / "b.yaml"))
    assert list(told(found)) == ["links.m.password_file"]
    assert "hunter" not in repr(found)
