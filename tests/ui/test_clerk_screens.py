"""The clerk's screens, one at a time."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from hw.ports import MachineMoney
from kiosk.counter.reprint import CertificateContent
from kiosk.issuance.persons import IdentityEvidence, IdentityQuestion
from kiosk.journal.records import EffectState
from kiosk.model.authorisation import Operation
from kiosk.model.certificate import certify_items
from kiosk.model.identity import IdentityDocument
from kiosk.model.policy import PasswordKind
from kiosk.model.resident import Sex
from kiosk.model.revocation import RevocationCause
from kiosk.model.testimony import PaperSeen
from kiosk.model.transition import Stage
from kiosk.ui.books import LeftCase
from kiosk.ui.clerk.approval import Approve, Approved
from kiosk.ui.clerk.identity import CheckIdentity
from kiosk.ui.clerk.left import LeftCases
from kiosk.ui.clerk.look import LookAtPaper, LookForCard
from kiosk.ui.clerk.money import EnterAmount, is_likely
from kiosk.ui.clerk.papers import ConfirmCopy
from kiosk.ui.clerk.service import ChooseCause, ChooseLeft, ConfirmAbort, Decided, ReturnDay, RevocationChoice
from kiosk.ui.counter import FailureText
from kiosk.ui.persons import Unsure
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import LANGUAGES
from tests.ui.fit import flaws
from tests.ui.screen_host import ScreenHost, show
from tests.ui.scripted_counter import ROUTES, resident
from tests.ui.walk import SMALL, until

ITEMS = resident(0).items


def test_a_difference_between_form_and_register_says_so_in_words(locale: Path) -> None:
    question = IdentityQuestion("2026-0001", ITEMS, dataclasses.replace(ITEMS, name="幌延　次郎"), ("name",))

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert host.text.count("ちがう") == 1 and host.text.count("同じ") == 3
        await pilot.press("enter")
        assert host.screen.query_one("#confirm", Key).disabled, "no document was named"
        await pilot.press("2")
        await until(pilot, lambda: bool(host.screen.query("#check-face")), "what to look at")
        await pilot.press("1", "0")
        await until(pilot, lambda: bool(host.screen.query("#document-3")), "the documents again")
        await pilot.press("3")
        await until(pilot, lambda: bool(host.screen.query("#check-face")), "what to look at")
        await pilot.press("1", "2")
        assert host.screen.query_one("#confirm", Key).disabled, "the entries were not looked at"
        await pilot.press("3", "enter")

    answers = show(lambda seat: CheckIdentity(seat, 2, question, "yamada", ROUTES), locale, use)
    assert answers == [IdentityEvidence(IdentityDocument.PHOTO_CARD, "yamada")]


DAY = datetime.date(2026, 12, 28)
TEXTS = {
    language: FailureText("一二三四五六七八九十" * 6, "一二三四五六七八九十" * 6, "clerk") for language in LANGUAGES
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stage", [Stage.ON_HOLD, Stage.ROLLING_BACK, Stage.DELIVERED])
def test_the_days_of_holds_and_the_longest_lists_fit(locale: Path, stage: Stage, language: str) -> None:
    until_day = None if stage is Stage.DELIVERED else DAY
    left = LeftCase("2026-0001", resident(0), stage.value, "", False, fee=EffectState.UNKNOWN, until=until_day)

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        host.seat.speak(language)
        assert isinstance(host.screen, SeatScreen)
        await host.screen.compose_anew()
        await pilot.resize_terminal(*SMALL)
        await pilot.pause()
        assert ("28" in host.text) is (until_day is not None)
        assert flaws(host.screen) == []
        host.screen.dismiss(None)

    show(lambda seat: LeftCases(seat, [left] * 4), locale, use)
    show(lambda seat: ChooseLeft(seat, [left] * 6), locale, use)


@pytest.mark.parametrize("language", LANGUAGES)
def test_that_a_day_is_kept_is_told_before_and_after_it_is_chosen(locale: Path, language: str) -> None:
    left = LeftCase("2026-0001", resident(0), Stage.WRITTEN.value, "", False)
    days = [DAY + datetime.timedelta(days=day) for day in range(5)]

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        host.seat.speak(language)
        assert isinstance(host.screen, SeatScreen)
        await host.screen.compose_anew()
        await pilot.resize_terminal(*SMALL)
        await pilot.pause()
        assert ("kept" if language == "en" else "控え") in host.text
        assert flaws(host.screen) == []
        host.screen.dismiss(None)

    show(lambda seat: ReturnDay(seat, days, left), locale, use)
    for text in ("clerk.told.day_kept", "clerk.told.day_kept_elsewhere"):
        show(lambda seat, text=text: Decided(seat, text, TEXTS, number="2026-0001", day=DAY), locale, use)


@pytest.mark.parametrize("until_day", [DAY, None])
def test_that_the_day_of_a_hold_goes_with_the_case_is_told_before_it_is_ended(
    locale: Path, until_day: datetime.date | None
) -> None:
    left = LeftCase("2026-0001", resident(0), Stage.ROLLING_BACK.value, "", False, until=until_day)

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.resize_terminal(*SMALL)
        await pilot.pause()
        assert ("12月28日" in host.text and "保留も、なくなります" in host.text) is (until_day is not None)
        assert isinstance(host.screen, SeatScreen) and flaws(host.screen) == []
        host.screen.dismiss(None)

    show(lambda seat: ConfirmAbort(seat, left), locale, use)


@pytest.mark.parametrize(
    ("operation", "told"),
    [("issue", "本人確認　申請書 R2026-0001"), ("revoke", "失効の本人確認"), ("reset_password", "初期化の本人確認")],
)
def test_the_identity_check_says_for_which_procedure_it_is(locale: Path, operation: Operation, told: str) -> None:
    question = IdentityQuestion("R2026-0001", ITEMS, ITEMS, (), operation)

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert told in host.text and "R2026-0001" in host.text
        host.screen.dismiss(None)

    show(lambda seat: CheckIdentity(seat, None, question, "yamada", ROUTES), locale, use)


def test_an_amount_that_nobody_pays_is_attested_twice(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press(*"99999", "enter")
        await until(pilot, lambda: "99,499円" in host.text and "お確かめください" in host.text, "the doubt")
        assert not host.answers, "it is asked once more"
        await pilot.press("backspace", *"9", "enter")
        await pilot.press("enter")

    answers = show(lambda seat: EnterAmount(seat, 5, 500, least_yen=500, purpose="fee"), locale, use)
    assert answers == [99_999]


@pytest.mark.parametrize(
    ("tendered_yen", "is_likely_paid"),
    [(500, True), (1000, True), (1500, False), (5000, True), (10_000, True), (15_000, False)],
)
def test_nobody_adds_a_piece_that_comes_back_as_change(tendered_yen: int, is_likely_paid: bool) -> None:
    assert is_likely(tendered_yen, 500) is is_likely_paid


def test_the_last_tick_leads_to_the_key_that_confirms_and_enter_alone_goes_all_the_way(locale: Path) -> None:
    question = IdentityQuestion("2026-0001", ITEMS, ITEMS, ())

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("right", "enter")
        await until(pilot, lambda: bool(host.screen.query("#check-face")), "what to look at")
        await pilot.press("enter", "right", "enter", "right", "enter")
        confirm = host.screen.query_one("#confirm", Key)
        await until(pilot, lambda: host.screen.focused is confirm, "the key that confirms")
        assert "Enter" in str(confirm.render())
        await pilot.press("enter")

    answers = show(lambda seat: CheckIdentity(seat, 2, question, "yamada", ROUTES), locale, use)
    assert [type(answer) for answer in answers] == [IdentityEvidence]


def test_whoever_has_no_photograph_brings_the_answered_letter_and_another_document(locale: Path) -> None:
    question = IdentityQuestion("2026-0001", ITEMS, ITEMS, ())

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("4")
        await until(pilot, lambda: "あわせて" in host.text, "what he has beside it")
        assert host.screen.query_one("#confirm", Key).disabled
        await pilot.press("1")
        await until(pilot, lambda: bool(host.screen.query("#check-signature")), "what to look at")
        await pilot.press("1", "2", "3")
        await until(pilot, lambda: not host.screen.query_one("#confirm", Key).disabled, "all was looked at")
        await pilot.press("enter")

    answers = show(lambda seat: CheckIdentity(seat, 2, question, "yamada", ROUTES), locale, use)
    letter, insurance = IdentityDocument.ANSWERED_LETTER, IdentityDocument.HEALTH_INSURANCE
    assert answers == [IdentityEvidence(letter, "yamada", insurance)]


def test_the_cause_that_the_resident_wished_is_one_enter_away(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("enter")
        await until(
            pilot, lambda: host.screen.focused is not None and host.screen.focused.id == "begin", "the beginning"
        )
        await pilot.press("enter")

    wished = RevocationCause.COMPROMISED
    answers = show(lambda seat: ChooseCause(seat, resident(0), wished), locale, use)
    assert answers == [RevocationChoice(wished, False)]


def test_too_little_money_is_not_accepted(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("4", "9", "9", "enter")
        assert "不足 1円" in host.text and "おつり" not in host.text and not host.answers
        await pilot.press("backspace", "backspace", "backspace")
        await pilot.click("#piece-500")
        await pilot.click("#piece-100")
        await pilot.press("enter")

    answers = show(lambda seat: EnterAmount(seat, 7, 500, least_yen=500, purpose="fee"), locale, use)
    assert answers == [600]


def test_a_fee_cannot_be_confirmed_before_the_screen_has_settled(locale: Path) -> None:
    """Enter on a key that was not disabled yet answered that nothing was tendered."""

    def make(seat: Seat) -> EnterAmount:
        screen = EnterAmount(seat, 7, 500, least_yen=500, purpose="fee")
        assert [key.disabled for key in screen.keys() if key.id == "confirm"] == [True]
        return screen

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert isinstance(host.screen, EnterAmount)
        host.screen.confirm()

    assert show(make, locale, use) == []


def test_nothing_is_an_answer_when_money_is_counted(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("enter")

    assert show(lambda seat: EnterAmount(seat, 7, 500, least_yen=0, purpose="count"), locale, use) == [0]


def test_who_counts_what_was_there_before_may_say_that_he_cannot_tell(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("?")

    answers = show(lambda seat: EnterAmount(seat, 7, 500, least_yen=0, purpose="count"), locale, use)
    assert answers == [Unsure.CANNOT_TELL]

    async def insist(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("?", "5", "0", "0", "enter")

    assert show(lambda seat: EnterAmount(seat, 7, 500, least_yen=500, purpose="fee"), locale, insist) == [500]


@pytest.mark.parametrize(("key", "seen"), list(zip("1234", [*PaperSeen, Unsure.CANNOT_TELL], strict=True)))
def test_a_look_at_the_paper_has_no_default(key: str, seen: PaperSeen | Unsure, locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("enter")
        assert host.answers == []
        await pilot.press(key)

    assert show(lambda seat: LookAtPaper(seat, 7, 17), locale, use) == [seen]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_copy_of_a_certificate_is_printed_when_the_clerk_has_seen_whose_it_is(language: str, locale: Path) -> None:
    day = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
    content = CertificateContent("幌延　太郎", "下沼", datetime.date(1931, 5, 3), Sex.MALE, "7B" * 16, day, day, "JP")

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        host.seat.speak(language)
        assert isinstance(host.screen, ConfirmCopy)
        await host.screen.compose_anew()
        await pilot.resize_terminal(*SMALL)
        await pilot.pause()
        assert flaws(host.screen) == []
        assert "幌延　太郎" in host.text and "7B7B" in host.text and "下沼" not in host.text
        await pilot.press("enter")

    assert show(lambda seat: ConfirmCopy(seat, content), locale, use) == [True]


def test_the_clerk_says_whether_the_resident_has_his_card(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.click("#yes")

    assert show(lambda seat: LookForCard(seat, 7), locale, use) == [True]


def test_who_counts_is_told_what_the_coin_machine_knows(locale: Path) -> None:
    known = MachineMoney(coins_yen=300, paid_yen=100, perhaps_paid_yen=1200, unassigned_yen=50, is_count_lost=True)
    told: list[str] = []

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        told.extend(shown.text for shown in host.screen.query(".machine-money").results(Paragraph))
        await pilot.press("enter")

    def counting(known: MachineMoney) -> Callable[[Seat], EnterAmount]:
        return lambda seat: EnterAmount(seat, 7, 500, least_yen=0, purpose="count", known=known)

    assert show(counting(known), locale, use) == [0]
    assert len(told) == 5
    assert [yen for yen in ("300円", "100円", "1,200円", "50円") if yen in "".join(told)] == [
        "300円",
        "100円",
        "1,200円",
        "50円",
    ]
    told.clear()
    assert show(counting(MachineMoney()), locale, use) == [0]
    assert told == []


def test_substitute_characters_stand_beside_the_originals_and_have_to_be_accepted(locale: Path) -> None:
    items = dataclasses.replace(ITEMS, name="𠮷野　まもる")
    question = IdentityQuestion("2026-0001", items, items, (), certified_items=certify_items(items, "よしの　まもる"))

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert "𠮷野" in host.text and "吉野　まもる（代替文字 吉）" in host.text
        await pilot.press("2")
        await until(pilot, lambda: bool(host.screen.query("#check-substitutes")), "what to look at")
        await pilot.press("1", "2", "3")
        assert host.screen.query_one("#confirm", Key).disabled, "the resident was not asked about his substitute"
        await pilot.press("4", "enter")

    answers = show(lambda seat: CheckIdentity(seat, 2, question, "yamada", ROUTES), locale, use)
    assert answers == [IdentityEvidence(IdentityDocument.PASSPORT, "yamada")]


@pytest.mark.parametrize(
    ("which", "named"), [("signature", "署名用パスワード"), ("authentication", "利用者証明用の暗証番号")]
)
def test_the_clerk_reads_which_password_is_set_anew(locale: Path, which: PasswordKind, named: str) -> None:
    question = IdentityQuestion("U-1", ITEMS, ITEMS, (), "reset_password", which=which)
    told: list[str] = []

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        told.append(host.text)
        await pilot.press("2")
        await until(pilot, lambda: bool(host.screen.query("#check-face")), "what to look at")
        await pilot.press("1", "2", "3", "enter")

    show(lambda seat: CheckIdentity(seat, 2, question, "yamada", ROUTES), locale, use)

    async def give_leave(pilot: Pilot[None], host: ScreenHost) -> None:
        told.append(host.text)
        await pilot.press("enter")

    assert show(lambda seat: Approve(seat, 2, question), locale, give_leave) == [Approved.AS_USUAL]
    assert len(told) == 2 and all(named in text for text in told)
