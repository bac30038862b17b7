"""A tour of the screens for what the counter does besides issuing, on a scripted counter."""

from textual.pilot import Pilot

from tests.ui.walk import Shoot, choose_duty, go, reach


async def services(pilot: Pilot[None], shoot: Shoot) -> None:
    """The resident changes his password, then wants his certificate revoked; the clerk takes that in."""
    await reach(pilot, "Start")
    await shoot("start")
    await change(pilot, shoot)
    await go(pilot, ("5", "ChooseService"), ("1", "RecallPassword"))
    await pilot.press("escape", "left", "enter")
    await reach(pilot, "ServiceTrouble")
    await shoot("not-changed")
    await pilot.press("enter")
    await reach(pilot, "Start")
    await wish(pilot, shoot)
    await pilot.press("f11")
    await choose_duty(pilot, "7")
    await reach(pilot, "FindResident")
    await pilot.press(*"太郎", "enter")
    await reach(pilot, "ChooseCause")
    await shoot("cause")
    await pilot.press("3")
    await pilot.pause()
    await shoot("cause-on-information")
    await pilot.press("enter")
    await reach(pilot, "SecondClerk")
    await shoot("second-clerk")
    await pilot.press(*"025678", "enter")
    await reach(pilot, "CheckIdentity")
    await pilot.press("f10")
    await reach(pilot, "ServiceWait")
    await shoot("clerk-checks")
    await pilot.press("f11")
    await reach(pilot, "CheckIdentity")
    await pilot.press("1", "1", "2", "3", "enter")
    await reach(pilot, "Approve")
    await shoot("approve-revocation")
    await go(pilot, ("enter", "Desk"), ("f10", "ServiceFinished"))
    await shoot("revoked")
    await pilot.press("enter")
    await reach(pilot, "Start")


async def change(pilot: Pilot[None], shoot: Shoot) -> None:
    """The resident's own part of a change of password."""
    await pilot.press("5")
    await reach(pilot, "ChooseService")
    await shoot("services")
    await pilot.press("1")
    await reach(pilot, "RecallPassword")
    await shoot("old-password")
    await pilot.press(*"AB01", "enter")
    await reach(pilot, "ChoosePassword")
    await pilot.press(*"CD23", "enter", *"CD23", "enter")
    await reach(pilot, "ServiceFinished")
    await shoot("changed")
    await pilot.press("enter")
    await reach(pilot, "Start")


async def second_password(pilot: Pilot[None], shoot: Shoot) -> None:
    """The resident of a card with two passwords replaces the one of four digits."""
    await reach(pilot, "Start")
    await go(pilot, ("5", "ChooseService"), ("1", "ChoosePasswordMeant"))
    await shoot("which-password")
    await pilot.press("2")
    await reach(pilot, "RecallPassword")
    await shoot("old-pin")
    await pilot.press(*"4242", "enter")
    await reach(pilot, "ChoosePassword")
    await shoot("new-pin")
    await pilot.press(*"9731", "enter", *"9731", "enter")
    await reach(pilot, "ServiceFinished")
    await pilot.press("enter")
    await reach(pilot, "Start")


async def wish(pilot: Pilot[None], shoot: Shoot) -> None:
    """The resident's own part of a revocation."""
    await go(pilot, ("5", "ChooseService"), ("2", "WishRevocation"))
    await shoot("wish")
    await pilot.press("2")
    await reach(pilot, "AskForClerk")
    await shoot("called")


async def decisions(pilot: Pilot[None], shoot: Shoot) -> None:
    """The clerk decides about the cases that were left: an open one, and a suspect one."""
    await reach(pilot, "Start")
    await go(pilot, ("f11", "LeftCases"), ("d", "ChooseLeft"))
    await shoot("choose-left")
    await pilot.press("1")
    await reach(pilot, "DecideCase")
    await shoot("decide")
    await pilot.press("1")
    await reach(pilot, "ReturnDay")
    await shoot("return-day")
    await pilot.press("2")
    await reach(pilot, "Decided")
    await shoot("held")
    await pilot.press("enter")
    await reach(pilot, "Desk")
    await _decide(pilot, "1")
    await pilot.press("3")
    await reach(pilot, "ConfirmAbort")
    await shoot("confirm-end")
    await pilot.press("1")
    await reach(pilot, "Decided")
    await shoot("ended")
    await pilot.press("enter")
    await reach(pilot, "Desk")
    await _decide(pilot, "2")
    await shoot("decide-suspect")
    await pilot.press("4")
    await reach(pilot, "SettleAmount")
    await pilot.press(*"1000")
    await pilot.pause()
    await shoot("settle-amount")
    await pilot.press("enter")
    await reach(pilot, "SecondClerk")
    await shoot("settle-second")
    await pilot.press(*"025678", "enter")
    await reach(pilot, "Decided")
    await shoot("cannot-be-settled")
    await pilot.press("enter")
    await reach(pilot, "Desk")


async def _decide(pilot: Pilot[None], which: str) -> None:
    await go(pilot, ("m", "Menu"), ("2", "LeftCases"), ("d", "ChooseLeft"))
    await pilot.press(which)
    await reach(pilot, "DecideCase")
