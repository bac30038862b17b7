"""What stations tell of their devices: the newest word of each, told again while nothing changes, and how old it is."""

import datetime

from kiosk.journal.database import open_database
from kiosk.maintenance.device_board import REPEATED_AFTER_S, DeviceBoard, ToldDevice
from tests.stores import Store

NOON = datetime.datetime(2026, 11, 26, 3, tzinfo=datetime.UTC)
READER = ToldDevice("reader", "card_reader", "pcsc:READER", "ready", "")
GONE = ToldDevice("reader", "card_reader", "pcsc:READER", "missing", "unplugged")


def test_the_newest_word_of_every_station_stands_there(store: Store) -> None:
    now = NOON
    boards = [DeviceBoard(open_database(store.url), name, lambda: now) for name in ("window", "annex")]
    window, annex = boards
    window.tell([READER])
    annex.tell([READER, READER])
    now += datetime.timedelta(seconds=3)
    window.tell([GONE])
    told = {one.station: (one.told_at, one.devices) for one in annex.stations()}
    assert told == {"annex": (NOON, (READER, READER)), "window": (now, (GONE,))}


def test_a_station_says_that_it_is_there_while_nothing_changes(store: Store) -> None:
    now = NOON
    board = DeviceBoard(open_database(store.url), "window", lambda: now)
    heard = []
    for _ in range(2 * REPEATED_AFTER_S):
        board.tell([READER])
        heard.append(board.stations()[0].told_at)
        now += datetime.timedelta(seconds=1)
    assert set(heard) == {NOON, NOON + datetime.timedelta(seconds=REPEATED_AFTER_S)}
