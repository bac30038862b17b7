"""The ways by which a form comes to the counter: typed by the resident, scanned from a printed one, chosen (demo)."""

import asyncio
import datetime
from dataclasses import replace
from typing import Any, Protocol

from kiosk.model.form import Form, flawed_items
from kiosk.model.resident import Resident, Sex
from kiosk.model.town import Areas
from kiosk.ui.dates import Era
from kiosk.ui.resident.application import ChooseApplication, ConfirmItems
from kiosk.ui.resident.form import (
    ChooseEra,
    ChooseOne,
    ChooseSex,
    OtherEra,
    Retype,
    TypeBirthDate,
    TypeKana,
    TypeNumber,
)
from kiosk.ui.resident.form_check import ITEMS, AtReception, BringForm, ConfirmForm
from kiosk.ui.resident.guide import Consult
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen, Stop
from kiosk.ui.submission import Accepted, Referred, Returned, Submission
from kiosk.ui.writings import NamePart


class FormsCorner(Protocol):
    """What the terminal has for those who fill in a form; the register is not among it."""

    areas: Areas
    has_scanner: bool

    def today(self) -> datetime.date:
        """The day at the counter."""
        ...

    async def writings(self, reading: str, part: NamePart) -> tuple[str, ...]:
        """How a reading of this part of a name can be written; none where there is no dictionary."""
        ...

    async def residents(self) -> tuple[Resident, ...]:
        """Whose printed forms lie here (demo); none elsewhere."""
        ...

    async def scan(self) -> Resident | None:
        """Waits for a code; the resident whose printed form has it, None for a code that no form has."""
        ...


async def take_form(seat: Seat, corner: FormsCorner) -> Resident | None:
    """Whose form is handed in; None when he changes his mind or goes to the window, of which nothing remains."""
    is_refused = False
    while True:
        answer = await _bring(seat, corner, is_refused=is_refused)
        is_refused = answer is None
        match answer:
            case Stop():
                return None
            case "consult":
                await consult(seat)
                return None
            case "type":
                return await _type_and_hand_in(seat, corner)
            case Resident():
                match await seat.ask(ConfirmItems(seat, answer)):
                    case True:
                        return answer
                    case False:
                        await consult(seat, denied=answer)
                return None


async def _bring(seat: Seat, corner: FormsCorner, *, is_refused: bool) -> object:
    """A form that was chosen or scanned, None for a code of none, or what the resident wants instead."""
    residents = await corner.residents()
    screen: SeatScreen[Any] = BringForm(seat, has_scanner=corner.has_scanner, is_refused=is_refused)
    if residents:
        screen = ChooseApplication(seat, residents)
    if not corner.has_scanner:
        return await seat.ask(screen)
    scanned = asyncio.ensure_future(corner.scan())
    scanned.add_done_callback(lambda _: seat.bell.ring())
    try:
        answer = await seat.show(screen, lambda: not scanned.done())
        return scanned.result() if answer is None else answer
    finally:
        scanned.cancel()


async def consult(seat: Seat, denied: Resident | None = None) -> None:
    """The staff are called; `denied` is whose form the person at the terminal says is not right."""
    if denied is None:
        seat.board.call_clerk()
    else:
        seat.board.deny(denied)
    await seat.ask(Consult(seat))


async def _type_and_hand_in(seat: Seat, corner: FormsCorner) -> Resident | None:
    """Typed, shown back, handed in; again with what the clerk asks to look at, until he takes it."""
    form = await _fill_in(seat, corner)
    if form is None:
        return None
    doubtful: tuple[str, ...] = flawed_items(form, corner.today())
    while True:
        answer = await seat.ask(ConfirmForm(seat, form, doubtful))
        if isinstance(answer, Stop):
            return None
        if not answer:
            choices = [(seat.words(f"item.{item}"), item) for item in ITEMS]
            item = await seat.ask(ChooseOne(seat, "item", choices))
            changed = await _change(seat, corner, form, item) if isinstance(item, str) else form
            if isinstance(item, Stop) or changed is None:
                return None
            form, doubtful = changed, tuple(i for i in doubtful if i != item)
            continue
        if doubtful := flawed_items(form, corner.today()):
            continue
        match await _hand_in(seat, form):
            case Accepted(resident=resident):
                return resident
            case Returned(items=items):
                doubtful = items
            case Referred():
                await seat.ask(Consult(seat))
                return None
            case None:
                return None


async def _hand_in(seat: Seat, form: Form) -> Accepted | Returned | Referred | None:
    submission = Submission(form)
    seat.board.submit(submission)
    answer = await seat.show(AtReception(seat), lambda: submission.answer is None)
    if answer is not None:
        seat.board.withdraw(submission)
        return None
    return submission.answer


async def _fill_in(seat: Seat, corner: FormsCorner) -> Form | None:
    form = Form("", "", datetime.date.min, Sex.FEMALE, "")
    for item in ("kana", "birth_date", "sex", "address"):
        changed = await _change(seat, corner, form, item)
        if changed is None:
            return None
        form = changed
    return form


async def _change(seat: Seat, corner: FormsCorner, form: Form, item: str) -> Form | None:
    """The form with one item typed anew; None when the resident stops. A reading brings its writing with it."""
    match item:
        case "kana" | "name":
            return await _name(seat, corner, form, is_reading_known=item == "name")
        case "birth_date":
            date = await _birth_date(seat, corner)
            return None if date is None else replace(form, birth_date=date)
        case "sex":
            sex = await seat.ask(ChooseSex(seat))
            return None if isinstance(sex, Stop) else replace(form, sex=sex)
        case _:
            address = await _address(seat, corner)
            return None if address is None else replace(form, address=address)


async def _birth_date(seat: Seat, corner: FormsCorner) -> datetime.date | None:
    while isinstance(era := await seat.ask(ChooseEra(seat)), Era):
        date = await seat.ask(TypeBirthDate(seat, era, corner.today()))
        if not isinstance(date, OtherEra):
            return None if isinstance(date, Stop) else date
    return None


async def _name(seat: Seat, corner: FormsCorner, form: Form, *, is_reading_known: bool) -> Form | None:
    known = form.kana.split("\u3000") if is_reading_known else ["", ""]
    readings, writings = [], []
    for part, before in zip(NamePart, known, strict=True):
        named = await _name_part(seat, corner, part, before)
        if named is None:
            return None
        reading, writing = named
        readings.append(reading)
        writings.append(writing)
    name = "\u3000".join(writings) if all(writings) else ""
    return replace(form, kana="\u3000".join(readings), name=name)


async def _name_part(seat: Seat, corner: FormsCorner, part: NamePart, reading: str) -> tuple[str, str] | None:
    """Reading and writing of one part, an empty writing for the clerk to fill in; None when the resident stops.

    A reading that is known already is not asked for, but whoever sees that it is wrong goes back to it.
    """
    is_known = bool(reading)
    while True:
        if not is_known:
            typed = await seat.ask(TypeKana(seat, part, reading))
            if isinstance(typed, Stop):
                return None
            reading = typed
        found = await corner.writings(reading, part)
        if not found:
            return reading, ""
        choices = [(writing, writing) for writing in found]
        match await seat.ask(ChooseOne(seat, "writing", choices, can_retype=True, kana=reading)):
            case Stop():
                return None
            case Retype.RETYPE:
                is_known = False
            case str(writing):
                return reading, writing
            case _:
                return reading, ""


async def _address(seat: Seat, corner: FormsCorner) -> str | None:
    choices = [(area.name, area.name) for area in sorted(corner.areas.area, key=lambda area: area.kana)]
    area = await seat.ask(ChooseOne(seat, "area", choices))
    if isinstance(area, Stop):
        return None
    if not isinstance(area, str):
        await consult(seat)
        return None
    number = await seat.ask(TypeNumber(seat, area))
    return None if isinstance(number, Stop) else f"{corner.areas.prefix}{area}{number}"
