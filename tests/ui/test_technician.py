"""The technician's views: the whole failure book, the log, the statistics, the configuration; nobody's data."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from hw.errors import ReaderMissing
from hw.health_words import Question
from kiosk.config import load_config, locate_config
from kiosk.configured_counter import ConfiguredCounter
from kiosk.failure_book import load_failure_book
from kiosk.model.application import Application
from kiosk.ui.app import KioskApp
from kiosk.ui.board import Board
from kiosk.ui.case import OpenCase
from kiosk.ui.devices import DeviceState
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.technician.bench import Bench
from kiosk.ui.technician.hands import Hands
from kiosk.ui.technician.menu import LETTERS, View
from kiosk.ui.technician.pages import Pages, paged, plotted
from kiosk.ui.technician.persons import work
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import LANGUAGES
from tests.ui.fit import flaws
from tests.ui.screen_host import ScreenHost, show, text_on
from tests.ui.scripted_counter import ScriptedCounter, ScriptedWorkbench, resident
from tests.ui.walk import LARGE, SMALL, USUAL, People, go, reach, until

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
    pages = paged(blocks, 12)
    assert "\n".join(pages).split("\n") == [line for block in blocks for line in block.split("\n")]
    assert all(len(page.split("\n")) <= 12 for page in pages)
    assert paged([], 12) == [""]
    assert [len(page.split("\n")) for page in paged(["\n".join("x" * 30)], 12)] == [12, 12, 6]


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


@pytest.fixture
def maintain(play: Callable[..., KioskApp]) -> Callable[..., KioskApp]:
    """Runs the app with a scripted counter, the technician's seat in front, and a person at it."""

    def run(counter: ScriptedCounter, person: People, language: str = "ja") -> KioskApp:
        async def seated(pilot: Pilot[None], app: KioskApp) -> None:
            await reach(pilot, "Start")
            await pilot.press("f12")
            await reach(pilot, "Bench")
            await person(pilot, app)

        return play(counter, seated, language)

    return run


async def go_to(pilot: Pilot[None], view: View, screen: str = "Pages") -> None:
    await pilot.press("m")
    await reach(pilot, "ViewMenu")
    await pilot.press(LETTERS[tuple(View).index(view)])
    await reach(pilot, screen)


def test_who_comes_while_the_devices_are_tested_waits_until_they_are_free(maintain: Callable[..., KioskApp]) -> None:
    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await go_to(pilot, View.HEALTH)
        await pilot.press("f6")
        await reach(pilot, "LookAtDevice")
        assert app.board.is_maintained and not app.board.takes_form and not app.board.takes_procedure
        await pilot.press("f10")
        await reach(pilot, "Notice")
        assert "点検" in text_on(app)
        await pilot.press("enter", "1", "f12")
        await reach(pilot, "LookAtDevice")
        await pilot.press("n", "f10")
        await reach(pilot, "Start")
        assert not app.board.is_maintained and app.board.takes_form

    maintain(ScriptedCounter(), technician)


def test_who_begins_as_the_devices_are_lent_either_keeps_the_technician_out_or_waits() -> None:
    board = Board()
    board.greet(True)
    assert board.lend() and board.is_maintained
    assert not board.lend() and board.is_maintained
    board.end_loan()
    board.greet(False)
    assert not board.lend() and not board.is_maintained


def test_a_question_that_stands_does_not_hold_up_the_end(maintain: Callable[..., KioskApp]) -> None:
    """Whoever asks waits for two minutes; a program that ends would wait for him."""
    heard: list[bool | None] = []

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        assert isinstance(app.screen, SeatScreen)
        asking = asyncio.create_task(work(app.screen.seat, lambda ask: heard.append(ask(Question.LIGHTS_SEEN))))
        await reach(pilot, "LookAtDevice")
        asking.cancel()
        async with asyncio.timeout(30):
            while heard != [None]:
                await asyncio.sleep(0.01)

    maintain(ScriptedCounter(), technician)


def test_a_self_test_is_run_asks_and_leaves_a_record(maintain: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await go_to(pilot, View.HEALTH)
        await pilot.press("f4")
        await until(pilot, lambda: "内部" in text_on(app) and "合格" in text_on(app), "the record")
        await pilot.press("f6")
        await reach(pilot, "LookAtDevice")
        assert "赤・黄・緑" in text_on(app)
        await pilot.press("n")
        await reach(pilot, "Pages")
        assert "対話" in text_on(app)
        await pilot.press("escape")
        await reach(pilot, "Bench")
        await go_to(pilot, View.STATISTICS)
        await pilot.press(*"Cut")
        assert "PaperCutCount  17" in text_on(app), "the device's own counter, over the tests"

    maintain(counter, technician)
    assert [record.level for record in counter.tools.records] == ["internal", "interactive"]
    assert counter.tools.asked == [False]


def test_a_tool_that_fails_is_told_and_the_seat_goes_on(maintain: Callable[..., KioskApp]) -> None:
    class Full(ScriptedWorkbench):
        def bundle(self) -> Path:
            raise OSError(28, "No space left on device")

        def conformity(self, subject: str) -> str:
            raise ReaderMissing(f"no {subject}")

    counter = ScriptedCounter()
    counter.tools = Full()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        for view, key, told in ((View.BUNDLE, "f4", "No space left"), (View.CONFORMITY, "f5", "no card")):
            await go_to(pilot, view)
            await pilot.press(key)
            await until(pilot, lambda told=told: told in text_on(app), told)
            await go(pilot, ("escape", "Pages"), ("escape", "Bench"))

    assert maintain(counter, technician).fault is None


@pytest.mark.parametrize("has_case", [True, False], ids=["with a case", "with none yet"])
def test_nothing_that_prints_or_takes_the_card_while_a_resident_is_served(
    maintain: Callable[..., KioskApp], has_case: bool
) -> None:
    counter = ScriptedCounter()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        if has_case:
            app.board.open(OpenCase(Application("2026-0001", "1"), resident(0), app.board.bell))
        else:
            await pilot.press("f10", "enter")
            await until(pilot, lambda: app.board.is_occupied, "the resident")
            await pilot.press("f12")
            await reach(pilot, "Bench")
        await go_to(pilot, View.HEALTH)
        await pilot.press("f5")
        await until(pilot, lambda: "手続中" in text_on(app), "the refusal")
        await go(pilot, ("escape", "Pages"), ("escape", "Bench"))
        await go_to(pilot, View.CONSOLE)
        assert "手続中" in text_on(app) and "juki" not in text_on(app)

    maintain(counter, technician)
    assert counter.tools.records == []


def test_hands_put_coins_in_open_covers_and_see_what_comes_of_it(maintain: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()
    printer, coins = (next(hand for hand in counter.simulators if hand.name == name) for name in ("printer", "cash"))

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await pilot.press("c")
        await go_to(pilot, View.HANDS, "Hands")
        await pilot.press("4")
        await until(pilot, lambda: "カバー：開" in text_on(app), "the open cover")
        await pilot.press("5", "tab", "2")
        assert "受け付けていません" in text_on(app)
        await pilot.press("escape")
        await reach(pilot, "Bench")

    maintain(counter, technician)
    assert "cover closed" in printer.look()
    assert coins.core.acceptor.memory.inserted == 2, "the coin of the bench's key, and one of 100 yen"


def test_a_card_is_let_fail_in_the_middle_and_the_hands_see_that_it_did(tmp_path: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
    counter.open()
    try:
        hand = next(hand for hand in counter.hands() if hand.name == "card")
        hand.do("sw 6F00")
        card = counter.simulated_card()
        assert card is not None
        card.insert()
        tried = [check.outcome for check in counter.workbench().card_probes()]
        assert hand.look() == "sprung: sw 6F00" and "fail" in tried
        assert "fail" not in [check.outcome for check in counter.workbench().card_probes()]
    finally:
        counter.close()


def test_what_is_done_to_a_device_reaches_it_though_the_next_one_is_shown_by_then(locale: Path) -> None:
    hands = ScriptedCounter().simulators

    async def late(pilot: Pilot[None], host: ScreenHost) -> None:
        screen = host.screen
        assert isinstance(screen, Hands)
        pressed = Key.Pressed(screen.query_one("#order-1", Key))
        await screen.go_on()
        screen.do(pressed)

    show(lambda seat: Hands(seat, hands), locale, late)
    assert hands[0].name == "printer" and "near_end" in hands[0].look()


def test_an_exchanged_device_is_accepted_by_a_key_that_is_there_only_then(maintain: Callable[..., KioskApp]) -> None:
    class Exchanged(ScriptedCounter):
        is_refused = False

        def devices(self):
            told = "SIM B is not SIM A"
            state = DeviceState("printer", "receipt_printer", "tcp://x:9100", "missing", told, self.is_refused, "SIM B")
            return (state,)

    counter = Exchanged()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await pilot.press("x")
        assert counter.tools.accepted == []
        counter.is_refused = True
        await until(pilot, lambda: any(key.display for key in app.screen.query("#accept")), "the key")
        await pilot.press("x")
        await until(pilot, lambda: counter.tools.accepted == [{"printer": "SIM B"}], "the acceptance")

    maintain(counter, technician)


@pytest.mark.parametrize("seat", ["f11", "f12"])
def test_a_stuck_cutter_is_freed_by_a_key_that_is_there_only_then(maintain: Callable[..., KioskApp], seat: str) -> None:
    counter = ScriptedCounter()

    async def person(pilot: Pilot[None], app: KioskApp) -> None:
        def is_shown() -> bool:
            return any(key.display for key in app.screen.query("#recover"))

        await pilot.press(seat)
        await reach(pilot, "Desk" if seat == "f11" else "Bench")
        await pilot.press("k")
        assert not is_shown()
        assert counter.recovered == 0
        counter.is_printer_stuck = True
        await until(pilot, is_shown, "the key")
        await pilot.press("k")
        await until(pilot, lambda: counter.recovered == 1, "the recovery")
        await until(pilot, lambda: not is_shown(), "the key to go")

    maintain(counter, person)


def test_the_stations_printer_goes_on_after_its_cutter_was_freed(tmp_path: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
    counter.open()
    try:
        hand = next(hand for hand in counter.hands() if hand.name == "printer")
        assert not counter.is_printer_stuck
        hand.do("cutter jam")
        wait_until(lambda: counter.is_printer_stuck)
        counter.recover_printer()
        wait_until(lambda: not counter.is_printer_stuck)
    finally:
        counter.close()


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < give_up_s
        threading.Event().wait(0.02)


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
        assert books.left_cases(station.today()) == ()
        tools = counter.workbench()
        tests = tools.self_test("external", lambda question: None)
        assert {test.device: test.outcome for test in tests} == dict.fromkeys(
            ("card", "printer", "cash", "display", "lamp", "documents"), "passed"
        )
        assert tools.self_tests(100) == tests
        assert any("printer > 10 04 01" in line for line in tools.line_trace())
        wait_until(lambda: any(" x3 printer > 10 04 04 <" in line for line in tools.line_trace()))
        assert [check.detail for check in tools.card_probes()] == ["no card"]
        counter.simulated_card().insert()
        probed = {check.name: check for check in tools.card_probes()}
        assert probed["application"].detail == "juki-2011" and probed["signature.key"].detail == "none"
        assert "PASS" in tools.conformity("reader") and "PASS" in tools.conformity("card")
        assert {check.name: check.outcome for check in tools.supplies()}["paper"] == "pass"
        seen = {check.name: check.outcome for check in tools.surroundings()}
        assert (seen["authority"], seen["clock.authority"]) == ("pass", "pass")
        assert "用紙がありません" in tools.operations("ja") and "Out of paper" in tools.operations("en")
        assert Path(tools.print_operations("ja")).read_bytes().startswith(b"%PDF")
        (tmp_path / "head.key").chmod(0o644)
        assert ("head.key", "fail") in [(check.name, check.outcome) for check in counter.checks()]
    finally:
        counter.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_devices_of_every_station_are_seen_with_the_age_of_the_word(
    maintain: Callable[..., KioskApp], language: str
) -> None:
    counter = ScriptedCounter()
    pages: list[str] = []

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await go(pilot, ("m", "ViewMenu"), ("d", "Pages"))
        pages.append(text_on(app))
        await pilot.press("pagedown")
        await pilot.pause()
        pages.append(text_on(app))

    maintain(counter, technician, language)
    text = "".join(pages)
    assert "lobby" in text and "annex" in text and "unplugged" in text
    assert ("4秒前" in text and "12分" in text) if language == "ja" else ("4 s ago" in text and "12 min" in text)
    assert counter.told_devices


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_use_the_height_that_is_there(maintain: Callable[..., KioskApp], language: str) -> None:
    counter = ScriptedCounter()
    counter.log_lines = lambda: tuple(f"11-22 10:00:00 WARNING hw.printer: line {number}" for number in range(400))
    found: list[tuple[int, int]] = []

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await go_to(pilot, View.LOG)
        for size in (USUAL, SMALL, LARGE):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "line 399" in text_on(app), "the newest line")
            await pilot.press("pageup")
            await pilot.pause()
            (lines,) = app.screen.query("#page-lines").results(Paragraph)
            left = app.screen.query_one(".keys").region.y - lines.region.bottom
            found.append((len(lines.text.split("\n")), left))
            assert not flaws(app.screen), size
            await pilot.press("escape")
            await reach(pilot, "Bench")
            await go_to(pilot, View.LOG)

    maintain(counter, technician, language)
    # Down to the keys, in a demo, which has its seats' line below them.
    assert found == [(14, 0), (13, 0), (27, 0)]


def test_all_devices_can_be_seen_and_what_was_exchanged_be_looked_back_at(maintain: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()
    counter.trace_lines = lambda: tuple(f"> {number:04d}" for number in range(400))

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await pilot.resize_terminal(*SMALL)
        devices, trace = (app.screen.query_one(f"#{name}-scroll", VerticalScroll) for name in ("devices", "trace"))
        await until(pilot, lambda: trace.max_scroll_y and trace.scroll_y == trace.max_scroll_y, "the newest exchange")
        assert devices.max_scroll_y
        await pilot.press(*["pagedown"] * 9)
        await until(pilot, lambda: devices.scroll_y == devices.max_scroll_y, "the last device")
        await pilot.press("tab")
        assert app.focused is devices
        await pilot.press("tab", "pageup")
        await until(pilot, lambda: trace.scroll_y < trace.max_scroll_y, "what was before")
        assert isinstance(app.screen, Bench)
        at = trace.scroll_y
        app.screen.follow()
        await pilot.pause()
        assert trace.scroll_y == at, "the next look does not take it away"
        await pilot.press("end")
        await until(pilot, lambda: trace.scroll_y == trace.max_scroll_y, "the newest exchange again")
        await pilot.resize_terminal(*LARGE)
        await until(pilot, lambda: trace.scroll_y == trace.max_scroll_y, "the newest exchange at another size")
        assert not devices.max_scroll_y, "where there is room all devices are in sight"

    maintain(counter, technician)


def test_exchanges_with_the_card_stay_in_sight_however_many_devices_there_are(
    maintain: Callable[..., KioskApp],
) -> None:
    counter = ScriptedCounter()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        for size in ((100, 30), (90, 26), (132, 43)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "[PIN]" in text_on(app), "the exchanges")
            shown = text_on(app)
            assert shown.index("停止中") < shown.index("使用可"), "what does not work comes first"

    maintain(counter, technician)


def test_a_station_tells_the_others_that_a_card_was_forgotten_in_it_and_takes_it_back(tmp_path: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
    counter.open()
    try:
        counter.tell_devices(is_card_left=True)
        assert [one.has_card_left for one in counter.station_devices()] == [True]
        counter.tell_devices(is_card_left=False)
        assert [one.has_card_left for one in counter.station_devices()] == [False]
    finally:
        counter.close()
