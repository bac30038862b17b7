"""The card process at a real pcscd: it does what the driver does, and it ends whatever happens to the card."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hw.card.apdu import SHORT
from hw.card.pcsc import PcscSlot
from hw.card.process_reader import ProcessReader
from hw.errors import CardRefused, DeviceError, PinRefused, Refused
from hw.ports import CardReader, ChannelPurpose
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.fault import Fault
from tests.hw.card.office import CERTIFICATE, ISSUER, PASSWORD, blank, issue, password_for, rsa_key
from tests.hw.card.pcsc_bench import Client, inserted, outcome
from tests.pcscd import PrivatePcscd

pytestmark = pytest.mark.wire

READER, OTHER_READER = "Kiosk Reader 00 00", "Kiosk Reader 00 01"


@pytest.fixture(scope="module")
def pcscd() -> Iterator[PrivatePcscd]:
    with PrivatePcscd() as running:
        yield running


@pytest.fixture(scope="module")
def client(pcscd: PrivatePcscd) -> Iterator[Client]:
    with Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as process:
        yield process


# --- jobs of a client


def at_process_reader(job: Callable[[CardReader], object], name: str, deadline_s: float) -> tuple[str, float, int]:
    """What became of a job, how long it took, and how many processes it left."""
    before = children()
    begun_s = time.monotonic()
    reader = ProcessReader(PcscSlot(name), deadline_s=deadline_s, generation_deadline_s=deadline_s)
    try:
        done = str(job(reader))
    except DeviceError as error:
        done = type(error).__name__
    reader.close()
    return done, time.monotonic() - begun_s, len(children() - before)


def children() -> set[str]:
    pid = os.getpid()
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def issue_and_count(reader: CardReader) -> tuple[str, int]:
    issue(reader)
    with reader.session() as card:
        card.number()
        return card.application, card.exchanges


def refuse_and_go_on(reader: CardReader) -> tuple[str, int, str]:
    def nobody(challenge):
        raise Refused("no clerk is there")

    with reader.session() as card:
        try:
            card.open_channel(ChannelPurpose.ISSUE, nobody)
        except Refused as error:
            said = str(error)
        try:
            card.verify_pin(bytearray(b"WRONG1"))
        except PinRefused as error:
            left = error.attempts_remaining
        try:
            card.sign(bytes(51))
        except CardRefused as error:
            refused = f"{error.sw:04X} {error.operation}"
        card.verify_pin(bytearray(PASSWORD))
        return said, left, refused


def verify_and_stay(reader: CardReader) -> None:
    with reader.session() as card:
        card.verify_pin(password_for(card))
        raise CardRefused("leave in the middle", 0x6F00)


def sign_without_password(reader: CardReader) -> bytes:
    with reader.session() as card:
        return card.sign(bytes(51))


def write_slowly(reader: CardReader) -> None:
    with reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(bytearray(PASSWORD))
        card.write_certificate(CERTIFICATE)


def traced_at_process_reader(name: str, deadline_s: float) -> str:
    lines: list[str] = []
    reader = ProcessReader(PcscSlot(name), limits=SHORT, deadline_s=deadline_s, trace=lines.append)
    try:
        write_slowly(reader)
    except DeviceError as error:
        return f"{type(error).__name__}, {'traced' if lines else 'not traced'}"
    finally:
        reader.close()
    return "written"


def ask_a_full_disk(reader: CardReader) -> str:
    def full(challenge):
        raise OSError("no space left on the disk of the clerk's station")

    with reader.session() as card:
        try:
            card.open_channel(ChannelPurpose.ISSUE, full)
        except OSError as error:
            return str(error)
    return "opened"


def ask_patiently(reader: CardReader) -> str:
    def slow(challenge):
        select.select([], [], [], 3)
        return ISSUER(challenge)

    with reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, slow)
        return "opened"


def sign_nonsense(reader: CardReader) -> tuple[str, str]:
    with reader.session() as card:
        try:
            card.sign("no bytes")
        except DeviceError as error:
            return type(error).__name__, card.number()
    return "signed", ""


def count(reader: CardReader) -> int:
    with reader.session() as card:
        return card.exchanges


def generate(reader: CardReader) -> None:
    with reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(bytearray(PASSWORD))
        card.verify_pin(bytearray(PASSWORD))
        card.generate_key()


def wait_for_card(reader: CardReader) -> bool:
    return reader.wait_for_card(20)


def wait_for_removal(reader: CardReader) -> bool:
    return reader.wait_for_removal(20)


def test_the_process_does_what_the_driver_does_and_is_gone_afterwards(client: Client, pcscd: PrivatePcscd) -> None:
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key)
    with inserted(card, pcscd.vpcd_ports[0]):
        assert client.run(outcome, wait_for_card, READER) == "True"
        done, _, left = client.run(at_process_reader, issue_and_count, READER, 20)
        assert (done, left) == ("('juki-2011', 2)", 0)
        assert card.exchanges == 21 + 3
        said = client.run(at_process_reader, refuse_and_go_on, READER, 20)[0]
        assert said == "('no clerk is there', 4, '6982 sign')"
    assert client.run(outcome, wait_for_removal, READER) == "True"


def test_no_process_uses_the_password_that_another_verified(client: Client, pcscd: PrivatePcscd) -> None:
    card = VirtualCard(MemoryStore(blank("piv")), make_key=rsa_key)
    with inserted(card, pcscd.vpcd_ports[0]):
        assert client.run(outcome, wait_for_card, READER) == "True"
        client.run(at_process_reader, issue_and_count, READER, 20)
        assert client.run(at_process_reader, verify_and_stay, READER, 20)[::2] == ("CardRefused", 0)
        assert client.run(outcome, sign_without_password, READER) == "CardRefused"
        assert client.run(at_process_reader, sign_without_password, READER, 20)[0] == "CardRefused"
    assert client.run(outcome, wait_for_removal, READER) == "True"


@pytest.mark.parametrize("at", [1, 3, 7])
def test_a_mute_card_is_given_up_at_the_deadline(at: int) -> None:
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key, faults={at: Fault("mute", at)})
    # On a service of its own: pcscd 1.9.9 may overlook the next card after a command that was given up.
    with PrivatePcscd() as pcscd, Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as client:
        with inserted(card, pcscd.vpcd_ports[0]):
            assert client.run(outcome, wait_for_card, READER) == "True"
            # Long enough for a loaded machine to come as far as the command.
            done, took_s, left = client.run(at_process_reader, generate, READER, 4)
            assert (done, left) == ("CardMute", 0)
            assert took_s >= 4
            assert card.exchanges == at, "nothing was sent again"
        assert client.run(outcome, wait_for_removal, READER) == "True"


@pytest.mark.parametrize("at", [1, 3])
def test_a_mute_card_that_is_pulled_ends_its_process_before_the_deadline(at: int) -> None:
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key, faults={at: Fault("mute", at)})
    # On a service of its own: pcscd 1.9.9 overlooks a card that comes within 0.4 s of one that was pulled in a command.
    with (
        PrivatePcscd() as pcscd,
        Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as client,
        inserted(card, pcscd.vpcd_ports[1]) as remove,
    ):
        assert client.run(outcome, wait_for_card, OTHER_READER) == "True"
        job = client.start(at_process_reader, generate, OTHER_READER, 60)
        while card.exchanges < at:
            os.sched_yield()
        remove()
        assert job.result(40)[::2] == ("CardRemoved", 0)


def test_a_card_pulled_in_a_command_is_removed(client: Client, pcscd: PrivatePcscd) -> None:
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key, faults={9: Fault("pull-after", 9)})
    with inserted(card, pcscd.vpcd_ports[0]):
        assert client.run(outcome, wait_for_card, READER) == "True"
        assert client.run(at_process_reader, generate, READER, 20)[::2] == ("CardRemoved", 0)
    assert client.run(outcome, wait_for_removal, READER) == "True"


def test_the_process_ends_with_whoever_started_it() -> None:
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key, faults={3: Fault("mute", 3)})
    # On a service of its own: pcscd 1.9.9 overlooks a card that comes within 0.4 s of one that was pulled in a command.
    with (
        PrivatePcscd() as pcscd,
        Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as client,
        inserted(card, pcscd.vpcd_ports[1]),
        Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as killed,
    ):
        assert client.run(outcome, wait_for_card, OTHER_READER) == "True"
        job = killed.start(at_process_reader, generate, OTHER_READER, 60)
        while card.exchanges < 3:
            os.sched_yield()
        pid = next(iter(killed._process._processes))
        held = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert held, "the card process is there, blocked by the mute card"
        os.kill(pid, signal.SIGKILL)
        assert job.exception(20) is not None
        assert is_gone(held, 20)


def is_gone(pids: list[str], timeout_s: float) -> bool:
    """Whether processes that are nobody's children end in that time."""
    waits = [os.pidfd_open(int(pid)) for pid in pids if Path(f"/proc/{pid}").exists()]
    try:
        return all(select.select([wait], [], [], timeout_s)[0] for wait in waits)
    finally:
        for wait in waits:
            os.close(wait)


def test_a_call_has_one_deadline_however_much_is_traced_meanwhile() -> None:
    slow = {at: Fault("delay", at, "0.5") for at in range(5, 40)}
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key, faults=slow)
    # On a service of its own, as where a card is pulled: it is still busy with the command that was given up.
    with (
        PrivatePcscd() as pcscd,
        Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as client,
        inserted(card, pcscd.vpcd_ports[0]),
    ):
        assert client.run(outcome, wait_for_card, READER) == "True"
        assert client.run(traced_at_process_reader, READER, 2.0) == "CardMute, traced"


def test_what_the_keys_holder_fails_with_is_no_removal_and_his_time_not_the_cards(
    client: Client, pcscd: PrivatePcscd
) -> None:
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key)
    with inserted(card, pcscd.vpcd_ports[0]):
        assert client.run(outcome, wait_for_card, READER) == "True"
        said = client.run(at_process_reader, ask_a_full_disk, READER, 20)[0]
        assert said == "no space left on the disk of the clerk's station"
        assert client.run(at_process_reader, ask_patiently, READER, 2.5)[0] == "opened"
    assert client.run(outcome, wait_for_removal, READER) == "True"


def test_a_defect_of_the_driver_is_told_as_one_and_the_session_goes_on(client: Client, pcscd: PrivatePcscd) -> None:
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key)
    with inserted(card, pcscd.vpcd_ports[0]):
        assert client.run(outcome, wait_for_card, READER) == "True"
        said = client.run(at_process_reader, sign_nonsense, READER, 20)[0]
        assert said == "('DriverDefect', 'KIOSK00000000001')"
    assert client.run(outcome, wait_for_removal, READER) == "True"


def test_no_card_is_no_session(client: Client, pcscd: PrivatePcscd) -> None:
    assert client.run(at_process_reader, count, READER, 20)[::2] == ("CardAbsent", 0)
    assert client.run(at_process_reader, count, "No such reader", 20)[::2] == ("ReaderMissing", 0)
