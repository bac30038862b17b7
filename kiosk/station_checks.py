"""What a technician looks at of an open station besides its devices: supplies, network, authority, clock, the card.

Each is a list of checks with an outcome, and none tells anything of a person: of a card's certificate its size, of its
key its length, never its number.
"""

import datetime
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hw.cash.coin_box import CoinBox
from hw.devices import Devices
from hw.errors import DeviceError
from hw.health import PRINTER_STATISTICS
from hw.ports import CardReader, CardSession, KeyUse
from kiosk.authority.credential import WARNED_DAYS
from kiosk.authority.errors import AuthorityError
from kiosk.clock import JAPAN
from kiosk.issuance.station import Station
from kiosk.maintenance.bundle import without_secrets
from kiosk.network_checks import network
from kiosk.ui.workbench import Check, CheckOutcome

_SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
_LEAST_FREE_MIB = 500
_REPEATED = 20
_CLOCK_NOTED_S, _CLOCK_WRONG_S = 5, 60
"""From so many seconds of difference on it is noted, and is wrong: certificates and receipts bear the time."""


def supplies(devices: Devices, data: Path, credential_days: int) -> Iterator[Check]:
    """What runs out: paper, coins, room on the disk, the days of the station's credential."""
    yield from _paper(devices)
    if isinstance(devices.cash, CoinBox):
        yield from _coins(devices.cash)
    free_mib = shutil.disk_usage(data).free // 2**20
    yield Check("disk", _outcome(free_mib >= _LEAST_FREE_MIB), f"{free_mib} MiB free (>= {_LEAST_FREE_MIB})")
    yield Check("credential", _outcome(credential_days >= WARNED_DAYS), f"{credential_days} days (>= {WARNED_DAYS})")


def _paper(devices: Devices) -> Iterator[Check]:
    printer = devices.printer
    try:
        status = printer.status()
        is_low = status.is_paper_near_end
        outcome: CheckOutcome = "fail" if "paper_end" in status.causes else "note" if is_low else "pass"
        yield Check("paper", outcome, {"fail": "out", "note": "near its end", "pass": "enough"}[outcome])
        for name, number in PRINTER_STATISTICS.items() if not status.causes else ():
            if (count := printer.counter(number)) is not None:
                yield Check(name, "pass", str(count))
    except DeviceError as error:
        yield Check("paper", "fail", str(error))


def _coins(box: CoinBox) -> Iterator[Check]:
    state = box.state
    yield Check("coins.accepted", "pass", str(state.accepted))
    yield Check("coins.unassigned", _outcome(not state.unassigned_yen), f"{state.unassigned_yen} yen")
    yield Check("coins.lost_events", _outcome(not state.lost_events), str(state.lost_events))
    yield Check("coins.unread_acceptors", _outcome(not state.unread), str(len(state.unread)))
    yield Check("hopper.perhaps_paid", _outcome(not state.coins_in_doubt), f"{state.coins_in_doubt} coins")
    try:
        hopper = box.hopper_status()
    except DeviceError as error:
        yield Check("hopper", "fail", str(error))
        return
    if hopper is not None:
        yield Check("hopper.paid", "pass", f"{state.paid_coins} coins, {hopper.unpaid} unpaid in the last payout")


def surroundings(
    station: Station, authority_url: str, monotonic: Callable[[], float] = time.perf_counter
) -> Iterator[Check]:
    """Network, authority and clock; the authority's signed answer says whether the clock can be right."""
    yield from network()
    begun_s = monotonic()
    url = without_secrets(authority_url)
    try:
        status = station.authority.status(station.authority.credential_certificate)
        answered_at = station.clock()
    except AuthorityError as error:
        yield Check("authority", "fail", f"{url}: {error}")
    else:
        took_ms = (monotonic() - begun_s) * 1000
        told = f"answers in {took_ms:.0f} ms, this station's credential: {status.state}"
        yield Check("authority", "pass", f"{url}: {told}")
        if status.produced_at is not None:
            yield _clock_against(status.produced_at, answered_at)
    now = station.clock()
    yield Check("clock", "pass", f"{now.astimezone(JAPAN):%Y-%m-%d %H:%M:%S %z}")
    is_synchronized = _SYNCHRONIZED.exists()
    yield Check(
        "clock.network", "pass" if is_synchronized else "note", "synchronized" if is_synchronized else "unknown"
    )


def _clock_against(authoritys: datetime.datetime, ours: datetime.datetime) -> Check:
    """How far the station's clock is ahead of the authority's, whose answers tell whole seconds."""
    ahead_s = (ours - authoritys).total_seconds()
    is_close = -1 <= ahead_s <= _CLOCK_NOTED_S
    outcome: CheckOutcome = "pass" if is_close else "note" if abs(ahead_s) <= _CLOCK_WRONG_S else "fail"
    return Check("clock.authority", outcome, f"{ahead_s:+.0f} s ahead of the authority's")


def card_probes(reader: CardReader, monotonic: Callable[[], float] = time.perf_counter) -> Iterator[Check]:
    """What a card in the reader answers to commands that change nothing and need no password."""
    try:
        if not reader.is_card_present():
            yield Check("card", "note", "no card")
            return
        with reader.session() as card:
            yield from _answers(card, monotonic)
    except DeviceError as error:
        yield Check("card", "fail", f"{type(error).__name__}: {error}")


def _answers(card: CardSession, monotonic: Callable[[], float]) -> Iterator[Check]:
    yield Check("application", "pass", card.application)
    for use in card.uses():
        status = card.pin_status(use)
        tries = f"{status.attempts_remaining} tries left" if status.is_set else "not set"
        is_locked = status.is_set and not status.attempts_remaining
        yield Check(f"{use}.password", "fail" if is_locked else "pass", tries)
        key = card.public_key(use)
        yield Check(f"{use}.key", "pass", "none" if key is None else f"RSA {key.modulus.bit_length()} bits")
    yield Check("channel.keys", "pass", ", ".join(f"{p} {v}" for p, v in card.key_versions().items()) or "none")
    times_ms = []
    for _ in range(_REPEATED):
        begun_s = monotonic()
        card.pin_status(KeyUse.SIGNATURE)
        times_ms.append((monotonic() - begun_s) * 1000)
    median_ms = statistics.median(times_ms)
    yield Check("exchange", "pass", f"{median_ms:.1f} ms, median of {_REPEATED}; {card.exchanges} in all")


def _outcome(is_good: bool) -> CheckOutcome:
    return "pass" if is_good else "fail"
