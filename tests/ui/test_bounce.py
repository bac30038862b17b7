"""Keys that bounce or are held down confirm nothing that nobody has read, and nobody who types is slowed."""

from collections.abc import Callable

from textual import events
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.bounce import KeyBounce
from kiosk.ui.strokes import until_dealt_with
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import HandClock, go, reach, take_up_duty, until, walk_to

HELD_S = 0.04
"""Between two strokes that a keyboard makes of a key held down."""


def heard(strokes: list[tuple[float, str]], came_s: float = -1.0) -> list[float]:
    """When somebody was heard who pressed these; a screen came at `came_s`, before the stroke of that time."""
    clock = HandClock()
    bounce = KeyBounce(clock)
    taken = []
    for at_s, key in sorted([*strokes, (came_s, "")]):
        clock.now_s = at_s
        if not key:
            bounce.screen_came()
        elif not bounce.drops(key, at_s):
            taken.append(at_s)
    return taken


def test_enter_counts_once_however_long_it_is_held() -> None:
    assert heard([(1 + HELD_S * n, "enter") for n in range(200)]) == [1]


def test_enter_that_bounces_counts_once_and_the_next_one_again() -> None:
    assert heard([(1, "enter"), (1.15, "enter"), (1.5, "enter")]) == [1, 1.5]


def test_nobody_who_types_digits_is_slowed() -> None:
    strokes = [(1 + 0.03 * n, key) for n, key in enumerate("10002223")]
    assert heard(strokes, came_s=0.99) == [at_s for at_s, _ in strokes]


def test_whoever_has_read_the_next_screen_is_heard_at_once() -> None:
    assert heard([(1, "enter"), (1.2, "enter"), (1.25, "1"), (1.3, "enter")], came_s=1.1) == [1, 1.2, 1.25, 1.3]


def test_a_digit_held_down_answers_one_screen_alone() -> None:
    strokes = [(1.0 + HELD_S * n, "1") for n in range(100)]
    assert heard(strokes, came_s=1.01) == [1.0]
    assert heard([(1.0, "1"), (1.05, "2")], came_s=1.01) == [1.0, 1.05], "another digit was meant"


class Hand:
    """A clock that goes by strokes: so long passes between two."""

    def __init__(self) -> None:
        self.step_s = 1.0
        self._now_s = 0.0

    def __call__(self) -> float:
        self._now_s += self.step_s
        return self._now_s

    def wait(self, seconds: float) -> None:
        """Makes a pause."""
        self._now_s += seconds


def test_change_is_not_confirmed_by_the_enter_that_took_the_fee(play: Callable[..., KioskApp]) -> None:
    hand = Hand()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "EnterAmount")
        await pilot.press(*"1000")
        hand.step_s = HELD_S
        await pilot.press("enter")
        await reach(pilot, "GiveMoney")
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert type(app.screen).__name__ == "GiveMoney" and "500円" in text_on(app)
        hand.step_s = 1.0
        await pilot.press("enter")
        await reach(pilot, "Desk")

    play(ScriptedCounter(), clerk, hand_clock=hand)


def test_enter_held_down_ticks_one_check_and_gives_no_leave(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "CheckIdentity")
        await pilot.press("1")
        await until(pilot, lambda: bool(app.screen.query("#check-face")), "what to look at")
        # As slow as a keyboard that waits long before it repeats: each stroke is heard.
        await pilot.press(*["enter"] * 10)
        await pilot.pause()
        assert [key.id for key in app.screen.query("#documents .-chosen")] == ["check-face"]
        assert type(app.screen).__name__ == "CheckIdentity" and app.screen.query_one("#confirm").disabled

    play(ScriptedCounter(), clerk)


def test_quick_enters_at_the_desk_send_nobody_to_the_terminal(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "Desk"), ("enter", "Menu"), ("enter", "FindResident"))
        assert not app.screen.query("#found Key") and app.focused is None
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert type(app.screen).__name__ == "FindResident" and app.board.offered is None

    play(ScriptedCounter(), clerk)


def test_those_who_were_found_are_turned_through_and_told_apart_by_their_address(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "1")
        await reach(pilot, "FindResident")
        await pilot.press(*"宮園町")
        await until(pilot, lambda: len(app.screen.query("#found Key")) == 4, "a page")
        shown: list[str] = []
        for _ in range(3):
            await pilot.pause()
            shown += [str(key.render()) for key in app.screen.query("#found Key")]
            await pilot.press("pagedown")
        assert [text.count("宮園町") for text in shown] == [1] * 11
        assert "宮園町11番地1" in shown[-1]
        await until(pilot, lambda: "1～4人目／11人" in text_on(app), "the first page again")
        await pilot.press("enter")
        await reach(pilot, "Desk")
        assert app.board.offered is not None and app.board.offered.items.name == "幌延　太郎"

    play(ScriptedCounter(), clerk)


def test_enter_that_is_held_while_a_screen_takes_its_time_counts_once(play: Callable[..., KioskApp]) -> None:
    """What matters is when a stroke was made, not when there was time to hear it."""
    hand = Hand()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "EnterAmount")
        await pilot.press(*"1000")
        hand.step_s = HELD_S
        for _ in range(5):
            app.post_message(events.Key("enter", None))
        await until_dealt_with([app])
        # All have come, and no more than one has been heard.
        hand.wait(1.0)
        await reach(pilot, "GiveMoney")
        await pilot.pause()
        assert type(app.screen).__name__ == "GiveMoney" and "500円" in text_on(app)

    play(ScriptedCounter(), clerk, hand_clock=hand)
