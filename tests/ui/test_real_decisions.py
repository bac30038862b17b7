"""The clerk decides about cases that were left: put off, ended, settled by two; everything behind is real."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from kiosk.config import load_config, locate_config
from kiosk.configured_counter import ConfiguredCounter
from kiosk.journal.database import open_database
from kiosk.model.step import Step, position_of
from tests.ui.screen_host import text_on
from tests.ui.walk import Shoot, choose_duty, go, leave, opened, reach, unseen, until, walk_to


def used(locale: Path, data: Path, use: Callable[[Pilot[None]], Awaitable[None]]) -> None:
    """One life of the demo over the same data; it ends in the middle of whatever is under way."""
    path = locate_config(None)

    async def run() -> None:
        async with opened(lambda: ConfiguredCounter(load_config(path, []), path, data), locale) as pilot:
            app = pilot.app
            await use(pilot)
            app.leave()
            await leave(app)
        assert app.fault is None, repr(app.fault)

    asyncio.run(run())


async def to_left_cases(pilot: Pilot[None]) -> None:
    await reach(pilot, "Start")
    await pilot.press("f11")
    await reach(pilot, "LeftCases")


async def hold_and_end(pilot: Pilot[None], visit: Shoot = unseen) -> None:
    """Puts the case off until the day after tomorrow, and then ends it after all."""
    await to_left_cases(pilot)
    await visit("left")
    await pilot.press("d")
    await reach(pilot, "ChooseLeft")
    await visit("choose-left")
    await pilot.press("enter")
    await reach(pilot, "DecideCase")
    await visit("decide")
    await pilot.press("1")
    await reach(pilot, "ReturnDay")
    await visit("return-day")
    await pilot.press("2")
    await reach(pilot, "Decided")
    assert "保留にしました" in text_on(pilot.app)
    await visit("held")
    await pilot.press("enter")
    await choose_duty(pilot, "2")
    await reach(pilot, "LeftCases")
    assert re.search(r"保留　令和\d+年\d+月\d+日（\d{4}年）まで", text_on(pilot.app)), "until when it is put off"
    await go(pilot, ("d", "ChooseLeft"), ("1", "DecideCase"), ("3", "ConfirmAbort"), ("1", "Decided"))
    assert "中止しました" in text_on(pilot.app)
    await visit("ended")
    await pilot.press("enter")
    await reach(pilot, "Desk")


async def cannot_tell(pilot: Pilot[None]) -> None:
    """The clerk goes on with the case, and does not know whose money it is."""
    await to_left_cases(pilot)
    assert "受け取りの途中" in text_on(pilot.app)
    await go(pilot, ("enter", "EnterAmount"), ("?", "Desk"))
    await until(pilot, lambda: pilot.app.board.case.ending is not None, "the end of the case")


async def settle_by_two(pilot: Pilot[None], visit: Shoot = unseen) -> None:
    """Two clerks have counted; then the case goes on by itself."""
    await to_left_cases(pilot)
    await go(pilot, ("d", "ChooseLeft"), ("enter", "DecideCase"))
    await visit("decide-suspect")
    await pilot.press("4")
    await reach(pilot, "SettleAmount")
    await pilot.press(*"1000")
    await visit("settle-amount")
    await pilot.press("enter")
    await reach(pilot, "SecondClerk")
    await visit("second-clerk")
    await pilot.press(*"025678", "enter")
    await reach(pilot, "Decided")
    assert "記録しました" in text_on(pilot.app)
    await visit("settled")
    await pilot.press("enter")
    await reach(pilot, "Desk")


async def put_off_paid(pilot: Pilot[None]) -> None:
    """The clerk puts off a case whose money may lie in the till, and takes it back as he goes on with it."""
    await to_left_cases(pilot)
    await go(pilot, ("d", "ChooseLeft"), ("enter", "DecideCase"), ("1", "ReturnDay"))
    assert "選んだ日は控えておきます" in text_on(pilot.app)
    await go(pilot, ("2", "Decided"))
    assert "は控えました" in text_on(pilot.app)
    await go(pilot, ("enter", "Desk"))
    await choose_duty(pilot, "2")
    await reach(pilot, "LeftCases")
    assert re.search(r"取りやめの 途中　令和\d+年\d+月\d+日（\d{4}年）まで 保留へ", text_on(pilot.app))
    await go(pilot, ("enter", "EnterAmount"))
    await pilot.press("0", "enter")
    await until(pilot, lambda: pilot.app.board.case.ending is not None, "the end of the case")
    await until(pilot, lambda: "まで保留にしました" in text_on(pilot.app), "that it is on hold, at the desk")
    assert "職員が手続を中止しました" not in text_on(pilot.app)


async def file_again(pilot: Pilot[None]) -> None:
    """The resident's form is taken in again; his case goes on, as far as it had come."""
    await walk_to(pilot, "ConfirmItems")
    await pilot.press("enter")
    await until(pilot, lambda: pilot.app.board.case is not None, "the case that was left")
    assert pilot.app.board.case.position == position_of(Step.FEE), "the bar does not fall back"
    await until(pilot, lambda: pilot.app.board.case.clerk_asked is not None, "the count of what lies in the till")


def stages(data: Path) -> list[str]:
    with open_database(f"sqlite:///{data / 'kiosk.db'}", must_exist=True).read() as transaction:
        return [row.stage for row in transaction.run("SELECT stage FROM cases ORDER BY attempt")]


def test_a_left_case_is_put_off_and_ended(locale: Path, tmp_path: Path) -> None:
    used(locale, tmp_path, lambda pilot: walk_to(pilot, "come-to-window"))
    used(locale, tmp_path, hold_and_end)
    assert stages(tmp_path) == ["rolled_back", "rolled_back"]
    papers = [file.read_text() for file in sorted((tmp_path / "sim" / "printer").glob("*.txt"))]
    assert any("保留票" in text for text in papers)


def test_the_day_until_which_a_paid_case_is_put_off_is_not_lost(locale: Path, tmp_path: Path) -> None:
    used(locale, tmp_path, lambda pilot: walk_to(pilot, "GiveMoney"))
    used(locale, tmp_path, put_off_paid)
    assert stages(tmp_path) == ["rolled_back", "on_hold"]
    papers = [file.read_text() for file in sorted((tmp_path / "sim" / "printer").glob("*.txt"))]
    assert any("保留票" in text for text in papers)


def test_who_files_again_sees_how_far_his_case_had_come(locale: Path, tmp_path: Path) -> None:
    used(locale, tmp_path, lambda pilot: walk_to(pilot, "GiveMoney"))
    used(locale, tmp_path, file_again)
    assert len(stages(tmp_path)) == 1


def test_what_nobody_can_tell_is_settled_by_two_clerks(locale: Path, tmp_path: Path) -> None:
    used(locale, tmp_path, lambda pilot: walk_to(pilot, "GiveMoney"))
    used(locale, tmp_path, cannot_tell)
    assert stages(tmp_path) == ["fee_suspect"]
    used(locale, tmp_path, settle_by_two)
    assert stages(tmp_path) == ["delivered"]
