"""Japanese of any length is broken between phrases, and no number or word is torn that fits a line."""

import asyncio
import random
import re
from itertools import pairwise

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from kiosk.ui.phrases import broken
from kiosk.ui.widgets.paragraph import Paragraph

ALPHABET = "漢字町番地丁目かなにはをがっーカタァ、。「」（）…　 ０１２３４５６７８９0189abYZ.-/"


def lines(text: str, width: int) -> list[str]:
    begins = [0, *broken(text, width), len(text)]
    return [text[begin:end].rstrip() for begin, end in pairwise(begins)]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("東京都清瀬市中里五丁目８４番地２７", 20, ["東京都清瀬市中里五", "丁目８４番地２７"]),
        ("北海道天塩郡幌延町字下沼８４番地２７", 34, ["北海道天塩郡幌延町字下沼８４番地", "２７"]),
        (
            "現物を確かめて、もう一人の職員と処理してください。",
            30,
            ["現物を確かめて、もう一人の", "職員と処理してください。"],
        ),
        ("カードとのやりとり（伏字）", 22, ["カードとのやりとり", "（伏字）"]),
        ("カードが入っています（伏字）", 20, ["カードが入っています", "（伏字）"]),
        ("取り消しの手続きを取り扱い中です。", 24, ["取り消しの手続きを", "取り扱い中です。"]),
        ("wants /run/pcscd/pcscd.comm, which", 22, ["wants", "/run/pcscd/pcscd.comm,", "which"]),
        ("はい", 10, ["はい"]),
        ("", 10, [""]),
    ],
)
def test_lines_end_where_a_phrase_ends(text: str, width: int, expected: list[str]) -> None:
    assert lines(text, width) == expected


def test_every_line_fits_and_nothing_is_lost_or_torn() -> None:
    choice = random.Random(20261127)
    for _ in range(3_000):
        text = "".join(choice.choice(ALPHABET) for _ in range(choice.randrange(60)))
        width = choice.randrange(2, 50)
        found = lines(text, width)
        assert all(cell_len(line) <= width for line in found), (text, width)
        assert re.sub(r"\s", "", "".join(found)) == re.sub(r"\s", "", text)
        if width >= cell_len(text):
            assert found == [text.rstrip()]
        for word in re.findall(r"[０-９]+[番丁]?|[!-~]+", text):
            # One that can begin a line and end one stands in a line whole.
            if cell_len(word) * 2 + 4 <= width and not re.search(r"[.\-/（「]", word):
                assert any(word in line for line in found), (text, width, word)


class Host(App[None]):
    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        yield Paragraph(self._text)


@pytest.mark.parametrize(("width", "shown"), [(60, 1), (24, 2), (14, 5)])
def test_a_paragraph_is_as_high_as_its_lines(width: int, shown: int) -> None:
    text = "現物を確かめて、職員と処理してください。"

    async def shown_at_width() -> None:
        async with Host(text).run_test(size=(width, 10)) as pilot:
            paragraph = pilot.app.query_one(Paragraph)
            assert paragraph.size.height == shown and paragraph.text == text
            assert str(paragraph.render()).splitlines() == lines(text, width)
            paragraph.write("短い")
            await pilot.pause()
            assert paragraph.size.height == 1

    asyncio.run(shown_at_width())
