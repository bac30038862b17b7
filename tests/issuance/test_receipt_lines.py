"""A line of a receipt's layout becomes the line of paper that it describes, where its condition is met."""

import datetime
from dataclasses import replace

import pytest

from hw.ports import Columns, Feed, PaperLine, QrCode, Rule, Text
from kiosk.config import SHIPPED, load_config
from kiosk.issuance.receipt import FormLine, ReceiptForm, ReceiptValues, compose_receipt, day_text
from kiosk.model.application import SettledFee
from kiosk.model.calendar import ISO
from tests.time_zone import standing_in

VALUES = ReceiptValues(
    number=42,
    printed_on=datetime.datetime(2026, 3, 31, 15, 0, tzinfo=datetime.UTC),
    fee=SettledFee(fee_yen=1500, tendered_yen=12_000, change_yen=10_500),
    serial="0F",
    valid_until=datetime.datetime(2029, 3, 31, 14, 59, 59, tzinfo=datetime.UTC),
    town=load_config(SHIPPED / "kiosk.toml", []).town,
    clerk="demo",
    is_copy=False,
    proof="KJ1:TEXT",
)


def composed(*lines: FormLine, values: ReceiptValues = VALUES, is_training: bool = False) -> tuple[PaperLine, ...]:
    return compose_receipt(ReceiptForm(lines, is_training), values)


@pytest.mark.parametrize(
    ("line", "paper"),
    [
        (FormLine(), Text("")),
        (FormLine("a {number}"), Text("a 000042")),
        (FormLine("{fee_yen} {tendered_yen} {change_yen}"), Text("1,500 12,000 10,500")),
        (FormLine("{date} {valid_until}"), Text("2026-04-01 2029-03-31")),
        (FormLine("{serial} {clerk} {proof}"), Text("0F demo KJ1:TEXT")),
        (FormLine("a", align="center"), Text("a", "center")),
        (FormLine("a", scale=2), Text("a", scale=2)),
        (FormLine("a", scale=3), Text("a", scale=1)),
        (FormLine("a", bold=True), Text("a", bold=True)),
        (FormLine(left="{number}"), Columns("000042", "")),
        (FormLine(right="{number}"), Columns("", "000042")),
        (FormLine(left="a", right="b", bold=True), Columns("a", "b", bold=True)),
        (FormLine(rule=True), Rule()),
        (FormLine(feed=3), Feed(3)),
        (FormLine(qr=True), QrCode("KJ1:TEXT")),
    ],
)
def test_a_line(line: FormLine, paper: PaperLine) -> None:
    assert composed(line) == (paper,)


@pytest.mark.parametrize("is_training", [False, True])
@pytest.mark.parametrize("is_copy", [False, True])
@pytest.mark.parametrize("proof", ["", "KJ1:TEXT"])
def test_a_line_stands_there_where_its_condition_is_met(is_training: bool, is_copy: bool, proof: str) -> None:
    lines = [FormLine(when, when=when) for when in ("", "training", "proof", "copy", "original", "never")]
    values = replace(VALUES, is_copy=is_copy, proof=proof)
    marks = ["training"] * is_training + ["proof"] * bool(proof) + ["copy" if is_copy else "original"]
    assert composed(*lines, values=values, is_training=is_training) == tuple(map(Text, ["", *marks]))


def test_what_says_nothing_of_training_is_void() -> None:
    form = ReceiptForm((FormLine("void", when="training"), FormLine("{date}")))
    assert compose_receipt(form, VALUES) == (Text("void"), Text("2026-04-01"))


def test_a_day_is_that_of_the_counter_wherever_the_machine_stands() -> None:
    last_second = datetime.datetime(2026, 3, 31, 14, 59, 59, tzinfo=datetime.UTC)
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        with standing_in(zone):
            days = [day_text(last_second + datetime.timedelta(seconds=more), ISO) for more in (0, 1)]
        assert days == ["2026-03-31", "2026-04-01"]
