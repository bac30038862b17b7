"""The technician's views: the whole failure book, the log, the statistics, the configuration; nobody's data."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.config import load_config, locate_config
from kiosk.configured_counter import ConfiguredCounter
from kiosk.failure_book import load_failure_book
from kiosk.ui.technician.pages import Pages, paged, plotted
from kiosk.ui.words import LANGUAGES
from tests.ui.screen_host import ScreenHost, show

BOOK = load_failure_book()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", BOOK)
def test_every_failure_says_what_happened_what_to_do_and_who_acts(code: str, language: str) -> None:
    entry = BOOK[code]
    text = entry.text(language)
    assert text.what.strip() and text.remedy.strip() and text.what != text.remedy
    assert entry.who in ("resident", "clerk", "technician")
    assert (text.what, text.remedy) != tuple(vars(entry.text("en" if language == "ja" else "ja")).values())


def test_every_code_that_a_case_can_end_with_stands_in_the_book() -> None:
    from kiosk.issuance import failure

    codes = {code for _, code in failure._CODES}
    assert codes <= set(BOOK)


def test_pages_hold_every_line_and_tear_no_block() -> None:
    blocks = [f"{n}\n  what\n  remedy\n" for n in range(20)]
    pages = paged(blocks)
    assert "\n".join(pages).split("\n") == [line for block in blocks for line in block.split("\n")]
    assert all(len(page.split("\n")) <= 12 for page in pages)
    assert paged([]) == [""]
    assert [len(page.split("\n")) for page in paged(["\n".join("x" * 30)])] == [12, 12, 6]


def test_bars_reach_as_high_as_their_values() -> None:
    assert plotted([0, 1, 2, 4], height=2) == ["         ██ ", "   ▄▄ ██ ██ "]
    assert plotted([], height=1) == [""]
    assert plotted([0, 0], height=1) == ["      "]


def test_pages_are_turned_and_narrowed_down_by_typing(locale: Path) -> None:
    blocks = [f"K-CARD-{n:03d}\n  what\n  remedy\n" for n in range(9)]

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert "K-CARD-000" in host.text and "K-CARD-003" not in host.text
        await pilot.press("pagedown")
        assert "K-CARD-003" in host.text
        await pilot.press("pagedown", "pagedown", "pagedown", "pageup", "0", "0", "8")
        assert "K-CARD-008" in host.text and "K-CARD-003" not in host.text
        await pilot.press("x")
        assert "ありません" in host.text
        await pilot.press("escape")

    show(lambda seat: Pages(seat, "technician.failures.title", blocks), locale, use)


def test_the_technician_sees_the_real_stations_settings_and_nobodys_data(tmp_path: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
    station = counter.open()
    try:
        names = {part for r in station.register.residents() for part in r.items.name.split("\u3000") if len(part) > 1}
        checks = counter.checks()
        assert {check.outcome for check in checks} <= {"pass", "note"}
        told = "\n".join((*(f"{c.name} {c.detail}" for c in checks), *counter.log_lines(), *counter.trace_lines()))
        assert "sim:" in told and "juki-2011" in told
        # The town is called like a family of its residents.
        assert not [name for name in names - {"幌延"} if name in told]
        books = counter.books()
        assert books.statistics(station.today(), 14).issued[-1] == (station.today(), 0)
        assert books.left_cases() == ()
        (tmp_path / "head.key").chmod(0o644)
        assert ("head.key", "fail") in [(check.name, check.outcome) for check in counter.checks()]
    finally:
        counter.close()
