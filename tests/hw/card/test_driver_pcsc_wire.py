"""The driver over a real pcscd, whose readers are vpcd's and whose card is the simulated one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hw.card.pcsc import reader_names
from hw.ports import CardReader
from hw.sim.card.card import VirtualCard
from hw.sim.card.limits import T0
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import new_card
from hw.sim.fault import Fault
from tests.hw.card.office import CARD_NUMBER, blank, issue, read_certificate, rsa_key
from tests.hw.card.pcsc_bench import Client, hold, holder_of, inserted, outcome, release, select_held
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


@pytest.fixture(scope="module")
def neighbour(pcscd: PrivatePcscd) -> Iterator[Client]:
    """Another program at the same card service."""
    with Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as process:
        yield process


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore(new_card(CARD_NUMBER))


@contextmanager
def card_in_reader(client: Client, pcscd: PrivatePcscd, card: VirtualCard) -> Iterator[Callable[[], None]]:
    """The card lies in the reader and clients have noticed; likewise afterwards that it is gone."""
    with inserted(card, pcscd.vpcd_ports[0]) as remove:
        assert client.run(outcome, wait_for_card, READER) == "True"
        yield remove
    assert client.run(outcome, wait_for_removal, READER) == "True"


def is_present(reader: CardReader) -> bool:
    return reader.is_card_present()


def wait_for_card(reader: CardReader) -> bool:
    return reader.wait_for_card(20)


def wait_for_removal(reader: CardReader) -> bool:
    return reader.wait_for_removal(20)


def wait_in_vain(reader: CardReader) -> tuple[bool, bool]:
    return reader.wait_for_card(0.3), reader.wait_for_removal(0)


def issue_within(reader: CardReader) -> int:
    with reader.session() as card:
        card.number()
    return issue(reader).modulus.bit_length()


def read_without_password(reader: CardReader) -> bytes | None:
    with reader.session() as card:
        return card.read_certificate()


def test_a_reader_is_found_by_its_name_or_by_its_only_beginning(client: Client) -> None:
    assert client.run(reader_names) == (READER, OTHER_READER)
    assert client.run(outcome, is_present, READER) == "False"
    assert client.run(outcome, is_present, OTHER_READER) == "False"
    assert client.run(outcome, is_present, "Kiosk Reader") == "ReaderMissing"
    assert client.run(outcome, is_present, "Kiosk Reader 00 02") == "ReaderMissing"


def test_an_empty_reader_has_no_session_and_waiting_ends_with_its_time(client: Client) -> None:
    assert client.run(outcome, read_certificate, READER) == "CardAbsent"
    assert client.run(outcome, wait_in_vain, READER) == "(False, True)"


def test_a_card_is_noticed_issued_to_and_let_go(client: Client, pcscd: PrivatePcscd, memory: MemoryStore) -> None:
    coming = client.start(outcome, wait_for_card, READER)
    card = VirtualCard(memory, make_key=rsa_key)
    with inserted(card, pcscd.vpcd_ports[0]) as remove:
        assert coming.result(20) == "True"
        assert client.run(outcome, is_present, READER) == "True"
        assert client.run(outcome, issue_within, READER) == "2048"
        assert card.exchanges == 3 + 21
        going = client.start(outcome, wait_for_removal, READER)
        remove()
        assert going.result(20) == "True"


class ListeningCard(VirtualCard):
    """One that speaks T=0, and keeps what it is sent."""

    def __init__(self, memory: MemoryStore) -> None:
        super().__init__(memory, make_key=rsa_key, limits=T0)
        self.sent: list[bytes] = []

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        return super().transmit(command)


@pytest.mark.parametrize("kind", ["juki-2011", "piv"])
def test_a_card_that_speaks_t_0_is_never_sent_an_extended_command(
    client: Client, pcscd: PrivatePcscd, kind: str
) -> None:
    card = ListeningCard(MemoryStore(blank(kind)))
    with card_in_reader(client, pcscd, card):
        assert client.run(outcome, issue_within, READER) == "2048"
    assert [command[:5].hex() for command in card.sent if len(command) > 5 and command[4] == 0] == []


def test_no_other_program_finds_the_password_verified(
    client: Client, neighbour: Client, pcscd: PrivatePcscd, memory: MemoryStore
) -> None:
    with card_in_reader(client, pcscd, VirtualCard(memory, make_key=rsa_key)):
        client.run(outcome, issue_within, READER)
        assert client.run(outcome, read_certificate, READER).startswith("b'0\\x82")
        assert neighbour.run(outcome, read_without_password, READER) == "CardRefused"


def test_a_card_that_is_held_is_busy_and_its_holder_named(
    client: Client, neighbour: Client, pcscd: PrivatePcscd, memory: MemoryStore
) -> None:
    with card_in_reader(client, pcscd, VirtualCard(memory)):
        holder_pid = neighbour.run(hold, READER)
        assert client.run(outcome, read_without_password, READER) == "ReaderBusy"
        assert f"({holder_pid})" in client.run(holder_of, READER)
        neighbour.run(release, READER)
        assert client.run(outcome, read_without_password, READER) == "CardRefused"


def test_a_card_taken_out_between_commands_is_removed_for_good(
    client: Client, pcscd: PrivatePcscd, memory: MemoryStore
) -> None:
    with card_in_reader(client, pcscd, VirtualCard(memory)) as remove:
        client.run(hold, READER)
        assert client.run(select_held, READER) == "9000"
        remove()
        assert client.run(select_held, READER) == "CardRemoved"
    with card_in_reader(client, pcscd, VirtualCard(memory)):
        assert client.run(select_held, READER) == "CardRemoved"
        client.run(release, READER)
        assert client.run(outcome, read_without_password, READER) == "CardRefused"


def test_a_card_pulled_during_key_generation_is_removed_and_can_be_issued_again(
    client: Client, pcscd: PrivatePcscd, memory: MemoryStore
) -> None:
    # In the other reader: pcscd 1.9.9 overlooks a card that comes back within 0.4 s of being pulled in a command.
    pulled = VirtualCard(memory, make_key=rsa_key, faults={11: Fault("pull-after", 11)})
    with inserted(pulled, pcscd.vpcd_ports[1]):
        assert client.run(outcome, wait_for_card, OTHER_READER) == "True"
        assert client.run(outcome, issue, OTHER_READER) == "CardRemoved"
        assert pulled.log[-1].ins == 0x47
    with card_in_reader(client, pcscd, VirtualCard(memory, make_key=rsa_key)):
        assert client.run(outcome, issue_within, READER) == "2048"


def test_a_service_that_is_not_there_is_a_missing_reader(tmp_path: Path) -> None:
    with Client(str(tmp_path / "nobody")) as client:
        for job in (is_present, wait_in_vain, read_certificate):
            assert client.run(outcome, job, READER) == "ReaderMissing"


def test_waiting_survives_a_restart_of_the_service_and_a_session_does_not(tmp_path: Path, memory: MemoryStore) -> None:
    link = tmp_path / "pcscd.comm"
    with Client(str(link)) as client:
        with PrivatePcscd() as first, inserted(VirtualCard(memory), first.vpcd_ports[0]) as remove:
            link.symlink_to(first.env["PCSCLITE_CSOCK_NAME"])
            assert client.run(outcome, wait_for_card, READER) == "True"
            client.run(hold, READER)
            remove()
            assert client.run(outcome, wait_for_removal, READER) == "True"
            coming = client.start(outcome, wait_for_card, READER)
        link.unlink()
        with PrivatePcscd() as second, inserted(VirtualCard(memory), second.vpcd_ports[0]):
            link.symlink_to(second.env["PCSCLITE_CSOCK_NAME"])
            assert coming.result(20) == "True"
            assert client.run(outcome, read_without_password, READER) == "CardRefused"
            assert client.run(select_held, READER) == "LinkLost"
