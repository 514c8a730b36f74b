"""USB sticks: found as the kernel tells of them, refused before anything is written, carried to and read back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from linectl.errors import Refused, StoreError
from linectl.server.results import carrying
from linectl.server.results.carrying import carry
from linectl.server.results.sticks import Roots, Stick, find_sticks, is_stick, stick_of


class Computer:
    """A tree as the kernel shows it: disks at USB or not, what is mounted of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.lines: list[str] = ["22 27 0:21 / /proc rw,relatime - proc proc rw"]
        self.roots = Roots(folder / "mountinfo", folder / "sys", lambda _folder: 10_000_000)
        self._tell()

    def _tell(self) -> None:
        self.roots.mountinfo.write_bytes("\n".join([*self.lines, "nonsense", ""]).encode())

    def disk(self, name: str, number: str, *, usb: bool, removable: str = "0", parts: int = 1) -> None:
        bus = "usb1/1-1/host2" if usb else "ata1/host0"
        disk = self.roots.sys / "devices" / "pci0000:00" / bus / "block" / name
        disk.mkdir(parents=True)
        (disk / "removable").write_text(f"{removable}\n")
        (disk / "size").write_text("15633408\n")
        self._link("block", name, disk)
        self._link("class/block", name, disk)
        major, _, minor = number.partition(":")
        self._link("dev/block", number, disk)
        for k in range(1, parts + 1):
            part = disk / f"{name}{k}"
            part.mkdir()
            (part / "partition").write_text(f"{k}\n")
            self._link("class/block", part.name, part)
            self._link("dev/block", f"{major}:{int(minor) + k}", part)

    def _link(self, kind: str, name: str, to: Path) -> None:
        place = self.roots.sys / kind / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(to)

    def mount(self, number: str, source: str, name: str, *, options: str = "rw,relatime", kind: str = "vfat") -> Path:
        folder = self.folder / "media" / name
        folder.mkdir(parents=True, exist_ok=True)
        told = str(folder).replace(" ", "\\040")
        self.lines.append(f"40 27 {number} / {told} {options} shared:1 - {kind} {source} {options}")
        self._tell()
        return folder


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    computer = Computer(tmp_path)
    computer.disk("sda", "8:0", usb=False)
    computer.mount("8:1", "/dev/sda1", "data", kind="ext4")
    return computer


def test_only_what_may_be_pulled_out_is_a_stick(computer: Computer) -> None:
    assert find_sticks(computer.roots) == []
    computer.disk("sdb", "8:16", usb=True)  # says 0 under `removable`, as USB disks do
    computer.disk("sdc", "8:32", usb=False, removable="1")
    key = computer.mount("8:17", "/dev/sdb1", "MY KEY")
    computer.mount("8:33", "/dev/sdc1", "card", kind="exfat", options="ro,relatime")
    computer.mount("8:17", "/dev/sdb1", "again")  # the same one, seen from elsewhere
    found = find_sticks(computer.roots)
    assert [(each.name, each.device, each.kind, each.read_only) for each in found] == [
        ("MY KEY", "sdb1", "vfat", False),
        ("card", "sdc1", "exfat", True),
    ]
    assert found[0].folder == key


@pytest.mark.parametrize("blank", ["\u00a0", "\u2028", "\x85", "\u3000", "\r"])
def test_a_sticks_name_may_hold_blanks_that_part_nothing(computer: Computer, blank: str) -> None:
    computer.disk("sdb", "8:16", usb=True)
    key = computer.mount("8:17", "/dev/sdb1", f"CLÉ{blank}USB")
    assert [each.folder for each in find_sticks(computer.roots)] == [key]


def test_a_stick_behind_a_program_or_a_cipher_is_one_too(computer: Computer) -> None:
    computer.disk("sdb", "8:16", usb=True)
    computer.mount("0:55", "/dev/sdb1", "ntfs", kind="fuseblk")
    mapped = computer.roots.sys / "devices" / "virtual" / "block" / "dm-0"
    (mapped / "slaves").mkdir(parents=True)
    (mapped / "slaves" / "sdb1").symlink_to((computer.roots.sys / "class" / "block" / "sdb1").resolve())
    computer._link("dev/block", "253:0", mapped)
    computer.mount("253:0", "/dev/mapper/luks-1", "secret", kind="ext4")
    assert [each.name for each in find_sticks(computer.roots)] == ["ntfs", "secret"]


def test_the_computers_own_folders_are_none(computer: Computer) -> None:
    computer.disk("sdb", "8:16", usb=True, parts=2)  # it starts from USB
    computer.lines += ["1 0 8:17 / / rw - ext4 /dev/sdb1 rw", "2 0 8:18 / /boot/firmware rw - vfat /dev/sdb2 rw"]
    computer._tell()
    assert find_sticks(computer.roots) == []


def refused(computer: Computer, target: str) -> Refused:
    with pytest.raises(Refused) as caught:
        stick_of(Path(target), computer.roots)
    return caught.value


def test_none_is_told_with_what_to_do(computer: Computer) -> None:
    error = refused(computer, "usb:")
    assert (error.code, error.exit_code) == ("E-USB-001", 6)
    assert "--to FOLDER" in error.hint
    computer.disk("sdb", "8:16", usb=True)
    error = refused(computer, "usb:")
    assert "sdb1 is in, but not mounted" in error.message
    assert "udisksctl mount -b /dev/sdb1" in error.hint
    computer.mount("8:17", "/dev/sdb1", "KEY")
    error = refused(computer, "usb:OTHER")
    assert error.code == "E-USB-001"
    assert "no stick OTHER is mounted; there are: KEY (10.0 MB free)" in error.message
    computer.roots.mountinfo.unlink()
    assert refused(computer, "usb:").code == "E-USB-001"  # no Linux


def test_several_are_told_apart_by_name_or_device(computer: Computer) -> None:
    for name, number in (("sdb", "8:16"), ("sdc", "8:32")):
        computer.disk(name, number, usb=True)
    a, b = computer.mount("8:17", "/dev/sdb1", "A"), computer.mount("8:33", "/dev/sdc1", "sub/A")
    error = refused(computer, "usb:")
    assert error.code == "E-USB-002"
    assert "A (10.0 MB free), A (10.0 MB free)" in error.message
    assert "usb:sdb1, usb:sdc1" in error.hint  # the same label: the device says which
    assert refused(computer, "usb:A").code == "E-USB-002"
    assert stick_of(Path("usb:sdb1"), computer.roots).folder == a
    assert stick_of(Path("usb:sdc1"), computer.roots).folder == b


def test_a_locked_stick_is_refused(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.disk("sdb", "8:16", usb=True)
    computer.mount("8:17", "/dev/sdb1", "KEY", options="ro,nosuid")
    assert refused(computer, "usb:").code == "E-USB-003"
    computer.lines.pop()
    computer.mount("8:17", "/dev/sdb1", "KEY")
    assert stick_of(Path("usb:KEY"), computer.roots).name == "KEY"
    monkeypatch.setattr(os, "access", lambda *_: False)  # another user's
    assert "you may not write" in refused(computer, "usb:").message


def test_a_place_is_a_stick_by_its_beginning() -> None:
    assert is_stick(Path("usb:"))
    assert is_stick(Path("usb:KEY"))
    assert not is_stick(Path("usb"))
    assert not is_stick(None)


# carrying


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "made"
    folder.mkdir()
    for name, text in (("a.csv", b"1,2\n" * 400_000), ("manifest.json", b"{}")):
        (folder / name).write_bytes(text)
    return sorted(folder.iterdir())


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    folder = tmp_path / "media" / "KEY"
    folder.mkdir(parents=True)
    return Stick("KEY", folder, "sdb1", "vfat", read_only=False)


def room(count: int) -> Roots:
    return Roots(free=lambda _folder: count)


def left_on(stick: Stick) -> list[str]:
    return sorted(str(each.relative_to(stick.folder)) for each in stick.folder.rglob("*"))


def test_files_are_carried_whole(files: list[Path], stick: Stick) -> None:
    done = carry(files, stick, "run1", roots=room(10_000_000))
    assert [each.read_bytes() for each in done.files] == [each.read_bytes() for each in files]
    assert done.bytes == 1_600_002
    assert left_on(stick) == ["run1", "run1/a.csv", "run1/manifest.json"]
    with pytest.raises(Refused, match=r"already holds a\.csv, manifest\.json"):
        carry(files, stick, "run1", roots=room(10_000_000))
    carry(files, stick, "run1", overwrite=True, roots=room(10_000_000))
    carry(files, stick, roots=room(10_000_000))
    assert "a.csv" in left_on(stick)


def test_a_full_stick_is_refused_before_anything_is_written(
    files: list[Path], stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match=r"1\.7 MB are needed, 1\.6 MB are free") as caught:
        carry(files, stick, "run1", roots=room(1_610_000))
    assert caught.value.code == "E-USB-004"
    monkeypatch.setattr(carrying, "_FAT_MOST", 1_000_000)
    with pytest.raises(Refused, match="above 4 GB") as caught:
        carry(files, stick, "run1", roots=room(10_000_000))
    assert caught.value.code == "E-USB-004"
    assert left_on(stick) == []
    exfat = Stick("KEY", stick.folder, "sdb1", "exfat", read_only=False)
    assert carry(files, exfat, "run1", roots=room(10_000_000)).bytes


def _other_bytes(place: Path) -> str:
    place.write_bytes(b"\0" + place.read_bytes()[1:])
    return carrying_hash(place)


carrying_hash: Callable[[Path], str] = carrying._hash_of


def test_a_stick_that_gives_back_other_bytes_is_found_out(
    files: list[Path], stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "_hash_of", _other_bytes)
    with pytest.raises(StoreError, match=r"a\.csv came back from the stick other than it was written") as caught:
        carry(files, stick, "run1", roots=room(10_000_000))
    assert (caught.value.code, caught.value.exit_code) == ("E-USB-005", 5)
    assert left_on(stick) == [], "nothing is left there"


def test_a_stick_that_fails_midway_keeps_nothing(
    files: list[Path], stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: Callable[[Path, Path], str] = carrying._copied

    def failing(source: Path, target: Path) -> str:
        if source.name == "manifest.json":
            raise OSError(5, "Input/output error")
        return copied(source, target)

    monkeypatch.setattr(carrying, "_copied", failing)
    with pytest.raises(StoreError, match="cannot be written: Input/output error"):
        carry(files, stick, "run1", roots=room(10_000_000))
    assert left_on(stick) == []


def _older(files: list[Path], stick: Stick) -> None:
    (stick.folder / "run1").mkdir()
    (stick.folder / "run1" / files[0].name).write_text("older")  # the other one is new


def _failing_names(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the stick refuse to give a file one of these names."""
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.name in names:
            raise OSError(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)


@pytest.mark.parametrize("name", ["a.csv.part", "manifest.json.part", "a.csv"])
def test_results_that_were_there_outlive_a_failure(
    files: list[Path], stick: Stick, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _older(files, stick)
    _failing_names(monkeypatch, name)
    with pytest.raises(StoreError, match="Input/output error") as caught:
        carry(files, stick, "run1", overwrite=True, roots=room(10_000_000))
    assert (stick.folder / "run1" / "a.csv").read_text() == "older"
    assert left_on(stick) == ["run1", "run1/a.csv"]
    assert "is there as it was" in caught.value.hint


def test_what_cannot_be_cleaned_up_is_told(files: list[Path], stick: Stick, monkeypatch: pytest.MonkeyPatch) -> None:
    _older(files, stick)
    _failing_names(monkeypatch, "manifest.json.part", "a.csv.old")
    with pytest.raises(StoreError) as caught:
        carry(files, stick, "run1", overwrite=True, roots=room(10_000_000))
    assert "a.csv could not be put back" in caught.value.hint
    assert (stick.folder / "run1" / "a.csv.old").read_text() == "older", "it is not lost"


def test_an_old_file_put_aside_takes_no_other_files_name(files: list[Path], stick: Stick) -> None:
    _older(files, stick)
    (stick.folder / "run1" / "a.csv.old").write_text("somebody's")
    carry(files, stick, "run1", overwrite=True, roots=room(10_000_000))
    assert left_on(stick) == ["run1", "run1/a.csv", "run1/a.csv.old", "run1/manifest.json"]
    assert (stick.folder / "run1" / "a.csv.old").read_text() == "somebody's"
    assert (stick.folder / "run1" / "a.csv").read_bytes() == files[0].read_bytes()


def test_links_on_a_stick_lead_nowhere(files: list[Path], stick: Stick, tmp_path: Path) -> None:
    victim, outside = tmp_path / "victim", tmp_path / "outside"
    victim.write_text("mine")
    outside.mkdir()
    (stick.folder / "a.csv.part").symlink_to(victim)
    (stick.folder / "a.csv").symlink_to(tmp_path / "not there")
    with pytest.raises(Refused, match="already holds a"):  # a link that leads to nothing is there, too
        carry(files, stick, roots=room(10_000_000))
    carry(files, stick, overwrite=True, roots=room(10_000_000))
    assert victim.read_text() == "mine"
    assert (stick.folder / "a.csv").read_bytes() == files[0].read_bytes()
    (stick.folder / "run1").symlink_to(outside)
    for folder in ("run1", "run1/sub", "../outside"):
        with pytest.raises(Refused, match="leads off the stick KEY"):
            carry(files, stick, folder, roots=room(10_000_000))
    assert not list(outside.iterdir())
