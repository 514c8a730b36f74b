"""Past wash lots from a spreadsheet: taken whole or not at all, each mistake with its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from linectl.cli.lot_import import command
from linectl.errors import ConfigError, Refused
from linectl.model.lots import LotState
from linectl.server.washing.lot_import import keep_lots, read_lots
from linectl.store.reader import StoreReader

HEAD = "lot,glue,bottles,rejected,washed\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "lots.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_french_sheet_is_read_with_its_own_titles_and_dates(tmp_path: Path) -> None:
    text = (
        "Lot;Colle;Bouteilles;Rejets;Lavé le;Rejets étiquette;Recette;Vigneron\n"
        "L1;caséine;1200;14;03/05/2026 14:00;11;ref_80;Cave du Jura\n"
    )
    (lot,) = read_lots(written(tmp_path, text), by="Léa")
    assert (lot.name, lot.glue, lot.bottles_seen, lot.rejected, lot.label_rejects) == ("L1", "caséine", 1200, 14, 11)
    assert (lot.recipe, lot.grower, lot.started_by, lot.state) == ("ref_80", "Cave du Jura", "Léa", LotState.WASHED)
    assert lot.washed_ns == int(datetime(2026, 5, 3, 14).astimezone().timestamp()) * 10**9


def test_an_offset_is_kept_and_an_unnamed_share_is_not_known(tmp_path: Path) -> None:
    (lot,) = read_lots(written(tmp_path, HEAD + "L1,casein,1200,14,2026-05-03T14:00+02:00\n"), by="op")
    assert lot.washed_ns == int(datetime(2026, 5, 3, 12, tzinfo=UTC).timestamp()) * 10**9
    assert lot.label_rejects is None


@pytest.mark.parametrize(
    ("row", "place", "told"),
    [
        ("L1,casein,1200,1201,2026-05-03", "2:4", "1201 cannot be out of 1200"),
        ("L1,casein,-5,0,2026-05-03", "2:3", "whole number"),
        ("L1,casein,12.5,0,2026-05-03", "2:3", "whole number"),
        ("L1,casein,many,0,2026-05-03", "2:3", "is not a number"),
        ("L1,,1200,14,2026-05-03", "2:2", "is empty"),
        ("L1,casein,1200,14,soon", "2:5", "is no date"),
        ("L1,casein,1200,14,31/02/2026", "2:5", "is no date"),
        ("L1,casein,1200,14,2026-05-03\nL1,casein,1,0,2026-05-04", "3:1", "stands in line 2 already"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_nothing_is_taken(
    tmp_path: Path, row: str, place: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_lots(written(tmp_path, HEAD + row + "\n"), by="op")
    assert f"lots.csv:{place}" in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"), [("lot,glue\n", "no column bottles"), (HEAD, "no rows"), ("", "no column lot")]
)
def test_a_sheet_without_columns_or_rows_says_so(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_lots(written(tmp_path, text), by="op")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_lots(tmp_path / "none.csv", by="op")


def test_the_same_file_twice_is_taken_once_and_other_figures_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, HEAD + "L1,casein,1200,14,2026-05-03\nL2,casein,1100,9,2026-05-04\n")
    first = keep_lots(file, read_lots(file, by="op"), tmp_path, by="op")
    again = keep_lots(file, read_lots(file, by="op"), tmp_path, by="op")
    assert (first.new, first.known, again.new, again.known) == (("L1", "L2"), (), (), ("L1", "L2"))
    (entry,) = StoreReader(first.store).audit()
    assert (entry.action, entry.actor) == ("import_lots", "op")
    changed = written(tmp_path, HEAD + "L3,casein,1000,2,2026-05-05\nL1,casein,1200,2,2026-05-03\n")
    with pytest.raises(Refused, match="L1 is there already with other figures: 14 of 1200"):
        keep_lots(changed, read_lots(changed, by="op"), tmp_path, by="op")
    assert [lot.name for lot in StoreReader(first.store).lots()] == ["L1", "L2"]


def test_the_verb_says_what_came_in(tmp_path: Path) -> None:
    file = written(tmp_path, HEAD + "L1,casein,1200,14,2026-05-03\n")
    done = CliRunner().invoke(command, [str(file), "--data", str(tmp_path)], standalone_mode=False)
    assert (done.exception, "1 lot taken in, 0 known already" in done.output) == (None, True), done.output
