"""The health of the station's card readers, and of the card that lies in one: `hw health card|window`.

Nothing is changed in a card and no password is presented; a card's number is not told, since it may be a resident's.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hw.bench import open_reader
from hw.card.reader_list import ReaderList, Standing
from hw.errors import CardUnsupported, DeviceError, ReaderMissing
from hw.hardware import SIMULATED, CardDevice, Hardware
from hw.health import ANSWER_LIMIT_MS, Checker, Health, Power
from hw.health_words import CARD_READERS, Level, Question
from hw.ports import CardReader

_CARD_S = 20.0


def check_readers(
    hardware: Hardware, simulation: Path, readers: ReaderList, checker: Checker, level: Level, wanted: str | None
) -> Iterator[Health]:
    """The health of the station's readers, or of the `wanted` one. `readers` are those that passed the check."""
    for name in CARD_READERS:
        device: CardDevice = getattr(hardware, name)
        if device.link and wanted in (None, name):
            health = Health(name, level)
            _check(device, simulation, readers, checker, health)
            yield health


def _check(device: CardDevice, simulation: Path, readers: ReaderList, checker: Checker, health: Health) -> None:
    # A reader that the kiosk would refuse is looked at all the same: that it failed is one of the findings.
    reader, _ = open_reader(replace(device, unlisted="allow"), simulation, health.device)
    try:
        is_there = reader.is_card_present()
        health.power = Power.ONLINE
    except DeviceError as error:
        health.power = Power.OFF_OFFLINE if isinstance(error, ReaderMissing) else Power.UNKNOWN
        health.measure("reader", str(error), "answers", False)
        return
    health.measure("reader", reader.name, "answers", True)
    if device.link != SIMULATED:
        standing = readers.standing_of(reader.name)
        is_passed = {Standing.PASSED: True, Standing.UNLISTED: None, Standing.FAILED: False}[standing]
        health.measure("compatibility check", standing.value, Standing.PASSED.value, is_passed)
    if health.level is Level.INTERACTIVE:
        is_there = _moved_by_hand(reader, checker, health)
    if is_there:
        _look_at_card(reader, checker, health)
    elif health.level is Level.INTERNAL:
        health.measure("card", "none in the reader", "any", True)
    else:
        health.measure("card", "none in the reader", "a card to try", None)


def _moved_by_hand(reader: CardReader, checker: Checker, health: Health) -> bool:
    """Whether taking a card out and putting it in is noticed; whether one lies there at the end."""
    if checker.ask(Question.CARD_READY):
        health.measure("card taken out", is_out := reader.wait_for_removal(_CARD_S), "yes", is_out)
        health.measure("card put in", is_in := reader.wait_for_card(_CARD_S), "yes", is_in)
    else:
        health.measure("card taken out and put in", None, "yes", None)
    return reader.is_card_present()


def _look_at_card(reader: CardReader, checker: Checker, health: Health) -> None:
    try:
        with reader.session() as card:
            health.measure("card", card.application, "one that is driven here", True)
            begun_s = checker.monotonic()
            card.pin_status()
            elapsed_ms = round((checker.monotonic() - begun_s) * 1000, 1)
            health.measure(
                "answer time ms", elapsed_ms, f"at most {ANSWER_LIMIT_MS:.0f}", elapsed_ms <= ANSWER_LIMIT_MS
            )
            for use in card.uses():
                status = card.pin_status(use)
                state = f"{status.attempts_remaining} attempts" if status.is_set else "not set"
                health.measure(f"password for {use}", state, "any", True)
                health.measure(f"key for {use}", "there" if card.public_key(use) else "none", "any", True)
    except CardUnsupported as unsupported:
        health.measure("card", f"{unsupported} ({unsupported.reason})", "one that is driven here", None)
    except DeviceError as error:
        health.measure("card", f"{type(error).__name__}: {error}", "answers", False)
