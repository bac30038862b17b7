"""The compatibility check passes good readers and cards, and fails bad ones by the check that is meant for it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hw.card import answer_to_reset
from hw.card.conformance import (
    CARD_CHECKS,
    READER_CHECKS,
    Check,
    Figure,
    Finding,
    Specimen,
    card_is_seen,
    find,
    run_checks,
)
from hw.card.conformance_process import find_in_process
from hw.card.conformance_report import Report, keep, next_number
from hw.card.memory import MemoryConnection, MemorySlot
from hw.card.reader_list import ListedReader, ReaderList, Standing, objection_to, read_reader_list
from hw.sim.card.card import VirtualCard
from hw.sim.card.limits import SHORT_LENGTH, T0, CardLimits
from hw.sim.card.memory import MemoryStore
from hw.sim.fault import Fault
from hw.strict_toml import ConfigInvalid
from tests.hw.card import bad_readers
from tests.hw.card.bad_readers import BadReader
from tests.hw.card.office import rsa_key

KINDS = ["juki-2011", "myna-2016", "piv"]


def clock() -> Callable[[], float]:
    """Time that passes a little at every look."""
    now_s = 0.0

    def look() -> float:
        nonlocal now_s
        now_s += 0.001
        return now_s

    return look


def outcomes(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.outcome for finding in findings}


class Hand:
    """Takes the card of a slot out and puts it in, at once."""

    is_person = False

    def __init__(self, slot: MemorySlot) -> None:
        self._slot = slot
        self._card = slot._card

    def remove(self) -> None:
        self._slot.remove()

    def insert(self) -> None:
        assert self._card is not None
        self._slot.insert(self._card)

    def remove_during(self, command: Callable[[], None]) -> None:
        assert self._card is not None
        self._card._faults = {self._card.exchanges + 7: Fault("pull-after", 1)}
        try:
            command()
        finally:
            self.insert()


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_reader_passes_every_check(kind: str) -> None:
    slot = MemorySlot("a good reader", bad_readers.technicians_card(kind))
    findings = list(run_checks(READER_CHECKS, Specimen(slot, clock(), Hand(slot))))
    assert [finding for finding in findings if finding.outcome != "PASS"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_card_passes_every_check(kind: str) -> None:
    slot = MemorySlot("a good reader", bad_readers.technicians_card(kind))
    findings = list(run_checks(CARD_CHECKS, Specimen(slot, clock())))
    assert [finding for finding in findings if finding.outcome != "PASS"] == []


def test_what_needs_a_hand_is_left_out_without_one_and_said_so() -> None:
    slot = MemorySlot("a good reader", bad_readers.technicians_card())
    found = outcomes(list(run_checks(READER_CHECKS, Specimen(slot, clock()))))
    assert [check for check, outcome in found.items() if outcome == "SKIP"] == [
        "hot_plug_is_noticed",
        "removal_during_a_command_ends_it",
    ]


@pytest.mark.parametrize(
    ("make", "check"),
    [
        (lambda: BadReader(bad_readers.cuts_long_answers), "extended_length_passes"),
        (lambda: BadReader(bad_readers.knows_no_extended_length), "extended_length_passes"),
        (lambda: BadReader(bad_readers.loses_now_and_then), "repeated_exchanges_agree"),
        (lambda: BadReader(bad_readers.answers_late), "repeated_exchanges_agree"),
        (lambda: BadReader(bad_readers.fetches_and_loses_the_rest), "chained_answers_are_joined"),
        (lambda: BadReader(bad_readers.cannot_256), "short_answers_are_whole"),
        (lambda: BadReader(bad_readers.hangs), "exchanges_are_fast"),
        (bad_readers.GarblesTheAnswerToReset, "answer_to_reset_is_well_formed"),
        (bad_readers.KeepsThePower, "power_is_taken_away"),
        (bad_readers.SharesTheCard, "exclusive_means_exclusive"),
        (bad_readers.IsSlow, "exchanges_are_fast"),
        (bad_readers.SeesNoCard, "card_is_seen"),
        (bad_readers.NoticesNothing, "hot_plug_is_noticed"),
        (lambda: bad_readers.KeepsThePower("piv"), "power_is_taken_away"),
        (lambda: BadReader(bad_readers.swallows_a_removal), "removal_during_a_command_ends_it"),
    ],
)
def test_a_bad_reader_fails_by_the_check_that_is_meant_for_it(make: Callable[[], BadReader], check: str) -> None:
    reader = make()
    time = (lambda: reader.now_s) if isinstance(reader, bad_readers.IsSlow) else clock()
    found = outcomes(list(run_checks(READER_CHECKS, Specimen(reader, time, Hand(reader)))))
    assert found[check] == "FAIL"


def test_a_reader_that_never_comes_back_fails_and_does_not_hold_up_the_check() -> None:
    reader = BadReader(bad_readers.never_comes_back)

    def make(check: Check, specimen: Specimen) -> Finding:
        return find_in_process(check, specimen, deadline_s=2.0, start="fork")

    findings = list(run_checks(READER_CHECKS, Specimen(reader, clock(), Hand(reader)), make))
    assert [finding.outcome for finding in findings[:3]] == ["PASS", "PASS", "FAIL"]
    assert findings[2].reason == "did not come back within 2 s"
    assert {finding.outcome for finding in findings[3:]} == {"SKIP"}


def test_a_check_in_a_process_finds_what_it_finds_here() -> None:
    slot = MemorySlot("a good reader", bad_readers.technicians_card())
    here = find(card_is_seen, Specimen(slot, clock()))
    assert find_in_process(card_is_seen, Specimen(slot, clock()), start="fork") == here


class SpendingCard(VirtualCard):
    """Takes the question for attempts for an attempt."""

    def transmit(self, command: bytes) -> bytes:
        if command[1] == 0x20 and len(command) == 4:
            self.asked = getattr(self, "asked", 0) + 1
            return bytes((0x63, 0xC5 - self.asked))
        return super().transmit(command)


@pytest.mark.parametrize(
    ("make", "check"),
    [
        (lambda memory: VirtualCard(memory, random_bytes=lambda size: bytes(size)), "secure_channel_is_offered"),
        (SpendingCard, "attempts_are_told_and_not_spent"),
    ],
)
def test_a_bad_card_fails_by_the_check_that_is_meant_for_it(
    make: Callable[[MemoryStore], VirtualCard], check: str
) -> None:
    card = make(bad_readers.technicians_memory("juki-2011"))
    found = outcomes(list(run_checks(CARD_CHECKS, Specimen(MemorySlot("a good reader", card), clock()))))
    assert [name for name, outcome in found.items() if outcome != "PASS"] == [check]


class Answering(MemorySlot):
    """A slot with a PIV card of which one instruction is answered otherwise."""

    def __init__(self, ins: int, sw: bytes) -> None:
        super().__init__("a reader", bad_readers.technicians_card("piv"))
        self._ins, self._sw = ins, sw

    def connect(self) -> MemoryConnection:
        connection = super().connect()
        transmit = connection.transmit

        def otherwise(command: bytes) -> bytes:
            return self._sw if command[1] == self._ins else transmit(command)

        connection.transmit = otherwise
        return connection


def test_a_piv_card_without_a_secure_channel_is_a_good_one_and_says_so() -> None:
    found = list(run_checks(CARD_CHECKS, Specimen(Answering(0x50, b"\x6d\x00"), clock())))
    assert {finding.outcome for finding in found} == {"PASS"}
    assert Figure("key_information", "none") in next(f for f in found if f.check == "secure_channel_is_offered").figures


def test_two_refusals_to_read_are_no_agreement() -> None:
    found = outcomes(list(run_checks(CARD_CHECKS, Specimen(Answering(0xCB, b"\x69\x82"), clock()))))
    assert found["lengths_agree"] == "FAIL"


def test_a_report_with_what_was_left_out_is_incomplete() -> None:
    passed, left = Finding("card_is_seen", "PASS"), Finding("hot_plug_is_noticed", "SKIP")
    report = Report(1, "reader", "", "", "", "", "", (passed, left))
    assert report.result == "INCOMPLETE"
    assert Report(1, "reader", "", "", "", "", "", (passed,)).result == "PASS"
    assert Report(1, "reader", "", "", "", "", "", ()).result == "INCOMPLETE"


@pytest.mark.parametrize(
    ("atr", "protocols", "historical"),
    [
        ("3BE000FF8131FE4514", (1,), ""),
        ("3B021450", (0,), "1450"),
        ("3B898131FE458073C021C0535049564C", (1,), "8073C021C053504956"),
        ("3BFD1300008131FE158073C021C057597562694B657940", (1,), "8073C021C057597562694B6579"),
    ],
)
def test_an_answer_to_reset_is_read(atr: str, protocols: tuple[int, ...], historical: str) -> None:
    answer = answer_to_reset.parse(bytes.fromhex(atr))
    assert (answer.protocols, answer.historical.hex().upper()) == (protocols, historical)


@pytest.mark.parametrize("atr", ["", "3B", "3C00", "3BE000FF8131FE4515", "3BE000FF81", "3B0214", "3B02145000"])
def test_what_is_no_answer_to_reset_is_refused(atr: str) -> None:
    with pytest.raises(ValueError, match="answer to reset"):
        answer_to_reset.parse(bytes.fromhex(atr))


def test_reports_are_numbered_and_kept_in_both_forms(tmp_path: Path) -> None:
    findings = (Finding("card_is_seen", "PASS"), Finding("exchanges_are_fast", "FAIL", reason="too slow"))
    for number in (1, 2):
        assert next_number(tmp_path) == number
        keep(Report(number, "reader", "R", "M", "T", "S", "2026-01-01T00:00:00+00:00", findings), tmp_path)
    told = json.loads((tmp_path / "0002.json").read_text())
    assert (told["number"], told["result"], told["findings"][1]["reason"]) == (2, "FAIL", "too slow")
    page = (tmp_path / "0002.txt").read_text()
    assert "適合性検証報告書" in page
    assert "No. 0002" in page
    assert "too slow" in page


def test_every_check_has_its_words() -> None:
    findings = tuple(Finding(check.__name__, "PASS") for check in {*READER_CHECKS, *CARD_CHECKS})
    page = Report(1, "card", "", "", "", "", "", findings).as_page()
    assert not any(check.__name__ in page for check in {*READER_CHECKS, *CARD_CHECKS})


LIST = ReaderList(
    (
        ListedReader("Good *", "M", "G", "S", "passed"),
        ListedReader("Bad ?", "M", "B", "S", "failed"),
    )
)


def test_the_policy_says_what_becomes_of_a_reader() -> None:
    assert [LIST.standing_of(name) for name in ("Good 1", "Bad 1", "New")] == [
        Standing.PASSED,
        Standing.FAILED,
        Standing.UNLISTED,
    ]
    assert objection_to("Good 1", LIST, "refuse") == ""
    assert "not passed" in objection_to("New", LIST, "warn")
    assert objection_to("New", LIST, "allow") == ""
    for name, policy in (("New", "refuse"), ("Bad 1", "warn"), ("Bad 1", "refuse")):
        with pytest.raises(ConfigInvalid, match="compatibility check"):
            objection_to(name, LIST, policy)


def test_the_shipped_list_can_be_read() -> None:
    shipped = read_reader_list(Path(__file__).parents[3] / "config" / "readers.toml")
    assert shipped.standing_of("Virtual PCD 00 00") is Standing.PASSED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limits", [SHORT_LENGTH, T0], ids=["short", "t0"])
def test_a_card_that_can_less_and_is_driven_all_the_same_passes(kind: str, limits: CardLimits) -> None:
    """A reader is tested with a card that can everything; a card may know short lengths or T=0 only."""
    card = VirtualCard(bad_readers.technicians_memory(kind), make_key=rsa_key, limits=limits)
    findings = list(run_checks(CARD_CHECKS, Specimen(MemorySlot("a good reader", card), clock())))
    assert [(finding.check, finding.reason) for finding in findings if finding.outcome != "PASS"] == []
