"""The kept screens look as they did; what differs is named and drawn. `python -m tests.ui.kept_screens --renew`."""

from pathlib import Path

import pytest

from tests.sweep import rows
from tests.ui.kept_screens import FOLDER, KEPT, compare, found, side_by_side
from tests.ui.snapshot import differences, drawn


@pytest.mark.parametrize(("scene", "language"), rows(KEPT, suite={*range(len(KEPT))} - {1, 3}))
def test_kept_screens_look_as_they_did(scene: str, language: str, locale: Path, tmp_path: Path) -> None:
    told = compare(found(scene, language, locale), tmp_path)
    assert not told, "\n".join(told)


def test_exactly_the_listed_screens_are_kept() -> None:
    listed = {f"{scene}-{language}-{name}.txt" for (scene, language), names in KEPT.items() for name in names}
    assert {path.name for path in FOLDER.iterdir()} == listed


def test_one_changed_cell_or_look_is_named_and_drawn(tmp_path: Path) -> None:
    kept = (FOLDER / "way-ja-Start.txt").read_text()
    assert differences(kept, kept) == []
    for changed in (kept.replace("500円", "600円", 1), kept.replace(" a", " b", 1)):
        (line,) = differences(kept, changed)
        assert line.startswith("line ")
    changed = kept.replace("500円", "600円", 1)
    assert drawn(kept).size == drawn(changed).size == (1000, 630)
    assert drawn(kept).tobytes() != drawn(changed).tobytes()
    assert side_by_side(kept, changed).width == 2020
