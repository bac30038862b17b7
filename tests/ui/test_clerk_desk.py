"""The desk: what was left comes first, the case at the terminal before everything, an empty seat shows nothing."""

import datetime
from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.model.resident import Resident
from kiosk.model.step import Step, Undo
from kiosk.ui.app import KioskApp
from kiosk.ui.books import JournalLine, JournalQuery, JournalView
from kiosk.ui.clerk import audit
from kiosk.ui.clerk.receive import find_residents
from kiosk.ui.idle import Patience
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import NAMES, ScriptedBooks, ScriptedCounter, a_left_case, resident
from tests.ui.test_frame import pass_time
from tests.ui.walk import HandClock, choose_duty, go, reach, take_up_duty, until, walk_to


def test_what_was_left_is_seen_first_and_goes_on_at_the_terminal(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()
    a_left_case(counter)

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await until(pilot, lambda: "F11 職員：お待ちです" in bar(app), "the call")
        await pilot.press("f11")
        await reach(pilot, "LeftCases")
        assert "2026-0001" in text_on(app) and "要確認" in text_on(app)
        await pilot.press("2")
        assert type(app.screen).__name__ == "LeftCases", "a suspect case goes on with two clerks only"
        await pilot.press("1")
        await reach(pilot, "Desk")
        assert "幌延　太郎" in text_on(app)
        await pilot.press("f10")
        await reach(pilot, "HandleCard")

    assert play(counter, clerk).board.case is not None


def test_where_nothing_but_suspect_cases_is_left_enter_leads_to_what_two_clerks_do(
    play: Callable[..., KioskApp],
) -> None:
    counter = ScriptedCounter()
    a_left_case(counter)
    counter.left = counter.left[1:]

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "LeftCases")
        assert app.screen.query_one("#decide", Key).label == "2人で 処理する"
        await pilot.press("enter")
        await reach(pilot, "ChooseLeft")

    play(counter, clerk)


def bar(app: KioskApp) -> str:
    return " ".join(str(tab.render()) for tab in app.screen.query("SeatTab"))


def test_a_form_that_the_clerk_takes_in_begins_at_the_terminal(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "1")
        await reach(pilot, "FindResident")
        await pilot.press(*"斎藤", "enter")
        await reach(pilot, "Desk")
        await pilot.press("f10")
        await reach(pilot, "ConfirmItems")
        assert "斎藤　清" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "HandleCard")

    (case,) = [play(ScriptedCounter(), clerk).board.case]
    assert case is not None and case.resident.items.name == "斎藤　清"


def test_a_question_from_the_terminal_goes_before_everything_at_the_desk(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "insert-card")
        await pilot.press("f11")
        await choose_duty(pilot, "3")
        await reach(pilot, "Audit")
        counter.reader.insert()
        await reach(pilot, "CheckIdentity")

    counter = ScriptedCounter()
    play(counter, clerk)


def test_the_desk_says_who_sits_there_and_that_a_card_was_forgotten(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "take-card")
        app.board.leave_card(True)
        await until(pilot, lambda: "F11 職員：お待ちです" in bar(app), "the call")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        assert "忘れられています" in text_on(app) and "職員の画面（demo）" in text_on(app)
        app.board.leave_card(False)
        await until(pilot, lambda: "忘れられています" not in text_on(app), "the card taken")

    play(ScriptedCounter(), clerk)


def test_the_audit_tells_each_entry_in_the_clerks_words_and_an_unknown_one_as_it_stands(
    play: Callable[..., KioskApp],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = datetime.datetime(2026, 11, 22, 1, 0, tzinfo=datetime.UTC)
    told = {
        ("done", Step.FEE): ({"yen": 500}, ("手数料", "済み", "500円")),
        ("done", Step.CLOSED): ({"yen": 0, "is_exempted": True}, ("手続の終わり", "免除")),
        ("failed", Undo.REFUND): ({"code": "E07"}, ("返金", "行われず", "E07")),
        ("numbered", ""): ({"receipt": 17}, ("領収書に 番号を 付けた", "No. 17")),
        ("rolled_back", ""): ({}, ("取りやめた",)),
        ("levitated", "carpet"): ({}, ("levitated carpet",)),
    }
    lines = [JournalLine(seq, at, "0badcafe", *who, **more) for seq, (who, (more, _)) in enumerate(told.items(), 1)]

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "insert-card")
        await pilot.press("f11")
        await choose_duty(pilot, "3")
        await reach(pilot, "Audit")
        shown = str(app.screen.query_one("#audit-lines", Paragraph).render()).splitlines()[1:]
        for line, (_, words) in zip(reversed(shown), told.values(), strict=True):
            assert all(word in line for word in words) and "0円" not in line.replace("500円", ""), line

    monkeypatch.setattr(ScriptedBooks, "journal", lambda *_: JournalView(tuple(lines), len(lines), len(lines), ""))
    play(ScriptedCounter(), clerk)


def test_the_audit_goes_on_behind_what_it_was_given_and_comes_back(
    play: Callable[..., KioskApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.datetime(2026, 11, 22, 1, 0, tzinfo=datetime.UTC)
    lines = [JournalLine(seq, at, f"2026-{seq:04d}", "done", Step.FEE, yen=500) for seq in range(1, 451)]

    def journal(_: ScriptedBooks, asked: JournalQuery) -> JournalView:
        found = [line for line in lines if asked.text in line.case]
        return JournalView(tuple(found[: len(found) - asked.skipped][-asked.newest :]), len(found), len(lines), "")

    def first_shown(app: KioskApp) -> str:
        return str(app.screen.query_one("#audit-lines", Paragraph).render()).splitlines()[1].split()[0]

    async def turn(pilot: Pilot[None], key: str, shown: int) -> None:
        await pilot.press(key)
        await until(
            pilot, lambda: bool(pilot.app.screen.query("#audit-lines")) and first_shown(pilot.app) == str(shown), key
        )

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "insert-card")
        await pilot.press("f11")
        await choose_duty(pilot, "3")
        await reach(pilot, "Audit")
        for shown in (350, 250, 150, 50, 50):
            await turn(pilot, "pagedown", shown)
        for shown in (150, 250, 350, 450):
            await turn(pilot, "pageup", shown)
        await turn(pilot, "pageup", 450)
        for key in "2026-0017":
            await pilot.press(key)
        await turn(pilot, "enter", 17)
        for _ in range(9):
            await pilot.press("backspace")
        await turn(pilot, "enter", 450)
        await pilot.press("escape")
        await reach(pilot, "Desk")

    monkeypatch.setattr(audit, "_PER_PAGE", 100)
    monkeypatch.setattr(ScriptedBooks, "journal", journal)
    play(ScriptedCounter(), clerk)


def test_a_seat_that_its_clerk_has_left_shows_and_hears_nothing(play_by_clock: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "CheckIdentity")
        await pass_time(app, clock, 299)
        assert visible_texts(app, "幌延　花子")
        await pass_time(app, clock, 1)
        await until(pilot, lambda: not visible_texts(app, "幌延　花子"), "the cover")
        await pilot.press("1", "escape", "m")
        assert not app.screen.query("#check-face") and not app.screen.has_class("-asks-stop")
        await pilot.press("enter")
        await until(pilot, lambda: bool(visible_texts(app, "違います")), "the answer to a wrong number and PIN")
        assert not visible_texts(app, "幌延　花子"), "a key alone opens nothing"
        await pilot.press(*"025678", "enter")
        await until(pilot, lambda: bool(visible_texts(app, "幌延　花子")), "the screen as it was")
        assert not app.screen.query("#check-face"), "what was typed at the lock is no answer to the screen under it"

    play_by_clock(ScriptedCounter(), clerk, Patience(clerk_s=300))


def visible_texts(app: KioskApp, text: str) -> list[str]:
    """The texts on the glass in which `text` stands."""
    shown = (str(w.render()) for w in app.screen.query("Paragraph") if w.region.area)
    return [found for found in shown if text in found]


def test_a_resident_can_call_somebody_from_every_screen(play: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ConfirmItems")
        await pilot.press("f1")
        await until(pilot, lambda: "職員を お呼びしました" in text_on(app), "the answer")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await until(pilot, lambda: "お客様が 職員を 呼んでいます" in text_on(app), "the call")
        await pilot.click("#come")
        await until(pilot, lambda: app.screen.query_one("#come", Key).disabled, "the end of the call")

    play(ScriptedCounter(), resident)


def test_a_difference_between_drawer_and_journal_says_so_in_words(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        for keys, told in (((), "10,500円 足りない"), (("2", "1"), "ありません"), (("2", "2"), "500円 多い")):
            await go(pilot, ("m", "Menu"), ("4", "CountDrawer"))
            app.set_focus(app.screen.query_one("#piece-500"))
            await pilot.press(*keys)
            await pilot.press("f9")
            await reach(pilot, "DaySums")
            assert told in text_on(app)
            await go(pilot, ("escape", "CountDrawer"))
            await pilot.press("escape", *(["f8"] if keys else []))
            await reach(pilot, "Desk")

    play(ScriptedCounter(), clerk)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", len(NAMES)),
        ("花子", 1),
        ("花子 幌延", 1),
        ("19500503", 1),
        ("宮園町2番地", 1),
        ("山田 花子", 0),
        ("ほろのべ", 2),
        ("ホロノベ", 2),
        ("ﾎﾛﾉﾍﾞ　ﾀﾛｳ", 1),
        ("１９５００５０３", 1),
        ("宮園町２番地", 1),
    ],
)
def test_residents_are_found_by_what_is_known_of_them(asked: str, found: int) -> None:
    residents: list[Resident] = [resident(number) for number in range(len(NAMES))]
    assert len(find_residents(residents, asked)) == found
