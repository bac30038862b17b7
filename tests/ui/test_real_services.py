"""What the counter does besides issuing, through the screens with everything behind them real."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from kiosk.config import load_config, locate_config
from kiosk.configured_counter import ConfiguredCounter
from kiosk.register.register import load_register
from kiosk.ui.app import KioskApp
from kiosk.ui.idle import Patience
from kiosk.ui.resident.password import ChoosePassword
from tests.ui.screen_host import text_on
from tests.ui.walk import PASSWORD, by_keyboard, choose_duty, go, leave, opened, reach, unseen, until, walk

NEW, NEWER = "CD23", "EF45"

Visit = Callable[[str], Awaitable[None]]


async def change_password(pilot: Pilot[None], visit: Visit) -> None:
    """The resident changes his password, having typed the old one wrong once."""
    await go(pilot, ("f10", "Start"), ("5", "ChooseService"))
    await visit("services")
    await go(pilot, ("1", "HandleCard"), ("enter", "RecallPassword"))
    await visit("old-password")
    await pilot.press(*"WRONG1", "enter")
    await until_text(pilot, "あと4回")
    await pilot.press(*PASSWORD, "enter")
    await reach(pilot, "ChoosePassword")
    await pilot.press(*NEW, "enter", *NEW, "enter")
    await take_card(pilot)
    await visit("changed")
    await pilot.press("enter")
    await reach(pilot, "Start")


async def walk_off(pilot: Pilot[None], visit: Visit) -> None:
    """He goes away before he has chosen the new password; the clerk looks and ends it, and the old one still holds."""
    await go(pilot, ("5", "ChooseService"), ("1", "HandleCard"), ("enter", "RecallPassword"))
    await pilot.press(*NEW, "enter")
    await reach(pilot, "ChoosePassword")
    await pilot.press("E", "F")
    assert isinstance(pilot.app.screen, ChoosePassword)
    pilot.app.screen.mind_idleness(Patience().entry_s, Patience())
    await go(pilot, ("f11", "Desk"), ("c", "LookAtDeserted"), ("1", "Desk"), ("f10", "HandleCard"))
    await until_text(pilot, "カードを お取りください")
    await pilot.press("enter")
    await reach(pilot, "ServiceTrouble")
    await visit("walked-off")
    await go(pilot, ("enter", "Start"), ("1", "HandleCard"), ("enter", "EnterPassword"))
    await pilot.press(*NEW, "enter")
    await reach(pilot, "ShowCertificate")
    await pilot.press("enter")
    await reach(pilot, "HandleCard")
    await go(pilot, ("enter", "Start"))


async def unlock(pilot: Pilot[None], visit: Visit) -> None:
    """The clerk takes the application in, checks and approves; the resident types a new password."""
    await go(pilot, ("f11", "Desk"), ("m", "Menu"))
    await visit("menu")
    await pilot.press("8")
    await find(pilot)
    await go(pilot, ("f10", "HandleCard"), ("enter", "ServiceWait"))
    await visit("clerk-checks")
    await pilot.press("f11")
    await reach(pilot, "CheckIdentity")
    await pilot.press("1", "1", "2", "3", "enter")
    await reach(pilot, "Approve")
    await visit("approve-reset")
    await go(pilot, ("enter", "Desk"), ("f10", "ChoosePassword"))
    register = load_register(load_config(locate_config(None), []).register_file)
    born = next(one.items.birth_date for one in register.residents() if "花子" in one.items.name)
    await pilot.press(*f"{born:%m%d}", "enter")
    assert "人に あてられやすい" in text_on(pilot.app), "who he is the register has just said"
    await pilot.press(*NEWER, "enter", *NEWER, "enter")
    await take_card(pilot)
    await visit("unlocked")
    await pilot.press("enter")
    await reach(pilot, "Start")


async def revoke(pilot: Pilot[None], visit: Visit) -> None:
    """The resident wants it revoked, the clerk takes it in, and it is."""
    await go(pilot, ("5", "ChooseService"), ("2", "WishRevocation"))
    await visit("wish")
    await pilot.press("1")
    await reach(pilot, "AskForClerk")
    await visit("called")
    await pilot.press("f11")
    await choose_duty(pilot, "7")
    await find(pilot)
    await reach(pilot, "ChooseCause")
    await visit("cause")
    await pilot.press("3")
    await visit("cause-on-information")
    await pilot.press("1")
    await pilot.press("enter")
    await reach(pilot, "CheckIdentity")
    await pilot.press("1", "1", "2", "3", "enter")
    await reach(pilot, "Approve")
    await visit("approve-revocation")
    await go(pilot, ("enter", "Desk"), ("f10", "HandleCard"))
    await pilot.press("enter")
    await take_card(pilot)
    await visit("revoked")
    await pilot.press("enter")
    await reach(pilot, "Start")


async def take_card(pilot: Pilot[None]) -> None:
    """The resident takes his card, and reads that it is done."""
    # The screen that asked for it to be put in is of the same kind.
    await until_text(pilot, "カードを お取りください")
    await reach(pilot, "HandleCard")
    await pilot.press("enter")
    await reach(pilot, "ServiceFinished")


async def find(pilot: Pilot[None]) -> None:
    """The clerk looks for the resident who has the certificate."""
    await reach(pilot, "FindResident")
    await pilot.press(*"花子", "enter")


async def until_text(pilot: Pilot[None], text: str) -> None:
    await until(pilot, lambda: text in text_on(pilot.app), text)


def test_the_demo_changes_a_password_sets_it_anew_and_revokes(locale: Path, tmp_path: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
    seen: dict[str, str] = {}

    async def run() -> KioskApp:
        async with opened(lambda: counter, locale) as pilot:
            app = pilot.app

            async def visit(name: str) -> None:
                seen[name] = text_on(app)

            await walk(pilot, by_keyboard, unseen)
            for way in (change_password, walk_off, unlock, revoke):
                await way(pilot, visit)
            await pilot.press("f12", "escape", "left", "enter")
            await leave(app)
        return app

    app = asyncio.run(run())
    assert "パスワードが変わりました" in seen["changed"]
    assert "いまのパスワードをお使いください" in seen["walked-off"] and "K-CASE-002" in seen["walked-off"]
    assert "失効を承認しますか" in seen["approve-revocation"]
    assert "もう一人の職員" in seen["cause-on-information"]
    assert "失効しました" in seen["revoked"]
    papers = [file.read_text() for file in sorted((tmp_path / "sim" / "printer").glob("*.txt"))]
    assert "失効のお知らせ" in papers[-1]
    for text in (*seen.values(), *papers):
        assert not any(password in text for password in (PASSWORD, NEW, NEWER))
    assert app.return_code == 0
