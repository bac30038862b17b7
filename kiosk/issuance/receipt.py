"""Composes the fee receipt (手数料領収書) from its layout and its values."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from hw.ports import Align, Columns, Feed, PaperLine, QrCode, ReceiptPrinter, Rule, Text
from kiosk.clock import JAPAN
from kiosk.model.application import SettledFee
from kiosk.model.calendar import ISO, Calendar
from kiosk.model.town import Town


@dataclass(frozen=True)
class FormLine:
    """One line of a layout: a text, a left and a right text, a rule, empty lines, or a QR code over the values' proof.

    `when` names a condition.
    """

    text: str = ""
    left: str = ""
    right: str = ""
    rule: bool = False
    feed: int = 0
    qr: bool = False
    align: Align = "left"
    scale: int = 1
    bold: bool = False
    when: str = ""


@dataclass(frozen=True)
class ReceiptForm:
    """The layout of a receipt, and how days are written on it; `is_training` marks every print as void."""

    line: tuple[FormLine, ...]
    is_training: bool = True
    calendar: Calendar = ISO


@dataclass(frozen=True, repr=False)
class ReceiptValues:
    """What stands on one receipt; `proof` is the text of its QR code, empty for none."""

    number: int
    printed_on: datetime.datetime
    fee: SettledFee
    serial: str
    valid_until: datetime.datetime
    town: Town
    clerk: str
    is_copy: bool
    proof: str


def compose_receipt(form: ReceiptForm, values: ReceiptValues) -> tuple[PaperLine, ...]:
    """The receipt as lines for the printer."""
    marks = {"copy" if values.is_copy else "original"}
    marks |= ({"training"} if form.is_training else set()) | ({"proof"} if values.proof else set())
    marks |= ({"exempted"} if values.fee.exempted else set()) | ({"paid"} if values.fee.fee_yen else set())
    words = {
        "number": f"{values.number:06d}",
        "date": day_text(values.printed_on, form.calendar),
        "fee_yen": f"{values.fee.fee_yen:,}",
        "tendered_yen": f"{values.fee.tendered_yen:,}",
        "change_yen": f"{values.fee.change_yen:,}",
        "serial": values.serial,
        "valid_until": day_text(values.valid_until, form.calendar),
        "prefecture": values.town.prefecture,
        "municipality": values.town.municipality,
        "prefecture_romaji": values.town.prefecture_romaji,
        "municipality_romaji": values.town.municipality_romaji,
        "clerk": values.clerk,
        "proof": values.proof,
    }
    return tuple(_set(line, words) for line in form.line if not line.when or line.when in marks)


def cut_off(printer: ReceiptPrinter) -> None:
    """What an interrupted job left hanging out of the printer becomes a paper of its own, not the head of the next."""
    printer.print(printer.render((), "----"))


def day_text(time: datetime.datetime, calendar: Calendar) -> str:
    """The day of `time` at the counter."""
    return calendar.day(time.astimezone(JAPAN).date())


def _set(line: FormLine, words: Mapping[str, str]) -> PaperLine:
    if line.rule:
        return Rule()
    if line.feed:
        return Feed(line.feed)
    if line.qr:
        return QrCode(words["proof"])
    if line.left or line.right:
        return Columns(line.left.format_map(words), line.right.format_map(words), line.bold)
    return Text(line.text.format_map(words), line.align, 2 if line.scale == 2 else 1, line.bold)
