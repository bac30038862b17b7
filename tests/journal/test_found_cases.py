"""Which cases a station finds: its own, other stations' as far as they are no secret, and what is sealed to whom."""

import logging

import pytest

from kiosk.journal.agreement import check_state, read_state
from kiosk.journal.chain import read_entries
from kiosk.journal.database import open_database
from kiosk.journal.journal import ESCROWED, NOT_ADMITTED, PURGED, Journal
from kiosk.journal.records import CaseRecord, EffectState, IdentifiedCase
from kiosk.journal.seal import StationKey
from kiosk.model.step import Step
from kiosk.model.transition import Procedure, Stage
from tests.journal.filled_journal import HEAD_KEY, START, STATION_KEY, told_until
from tests.journal.test_escrow import TO_WINDOW
from tests.journal.walked_case import walk
from tests.stores import Store


def station(store: Store, name: str, **changes: object) -> Journal:
    return Journal(open_database(store.url), name, StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY, **changes)


def closed(journal: Journal, number: str, person: str, card: str, to: Stage = Stage.CLOSED) -> CaseRecord:
    case = journal.open_case(number, b"application")
    case = journal.complete(case, Step.APPLICATION, b"", card=card)
    case = journal.complete(case, Step.IDENTITY_CHECK, b"", person=person)
    return walk(journal, case, to)


def pseudonyms(cases: list[CaseRecord]) -> list[str]:
    return [case.pseudonym for case in cases]


def test_what_is_no_secret_of_a_case_is_told_to_any_station(store: Store) -> None:
    here, there = station(store, "here"), station(store, "there")
    case = there.open_case("7", b"application")
    assert here.identified_case(case.pseudonym) == IdentifiedCase("there", "7", Stage.OPENED, None)
    case = there.complete(case, Step.APPLICATION, b"", card="c7")
    assert here.identified_case(case.pseudonym) == IdentifiedCase("there", "7", Stage.FILED, "c7")
    assert here.stage_of(case.pseudonym) is Stage.FILED
    assert here.identified_case("f" * 32) is None
    assert here.stage_of("f" * 32) is None


def test_closed_cases_are_found_by_person_and_card_here_and_where_the_same_clerks_read_them(store: Store) -> None:
    here = station(store, "here", escrow_to=lambda: TO_WINDOW)
    sealed_alike = station(store, "annex", escrow_to=lambda: TO_WINDOW)
    on_its_own = station(store, "lone")
    mine = closed(here, "1", "p", "c")
    again = closed(here, "2", "p", "c")
    beside = closed(sealed_alike, "3", "p", "c")
    alone = closed(on_its_own, "4", "p", "c")
    waits = closed(on_its_own, "5", "p", "c", Stage.SETTLED)
    closed(here, "6", "q", "d")
    not_yet = closed(here, "7", "p", "c", Stage.SETTLED)
    assert pseudonyms(here.closed_cases_of("p")) == pseudonyms([mine, again, beside])
    assert pseudonyms(on_its_own.closed_cases_of("p")) == [alone.pseudonym]
    # Of the others' own cases those that have not closed, for a card that is in use is in use everywhere.
    assert pseudonyms(here.other_cases_with("c", again)) == pseudonyms([mine, beside, waits, not_yet])
    assert pseudonyms(on_its_own.other_cases_with("c", alone)) == pseudonyms([waits, not_yet])
    assert pseudonyms(on_its_own.other_cases_with("c", waits)) == pseudonyms([alone, not_yet])
    assert here.other_cases_with("x", again) == []


def test_an_open_case_is_read_again_where_it_is_worked_on_though_a_copy_of_its_key_is_made(store: Store) -> None:
    closed(station(store, "here", escrow_to=lambda: TO_WINDOW), "1", "p", "c", Stage.SETTLED)
    restarted = station(store, "here")
    case = restarted.latest_case("1")
    assert case is not None
    effect = restarted.effect(case, Step.FEE)
    assert effect is not None and effect.outcome == b""


def test_a_clerks_station_whose_key_nobody_vouches_for_is_named_in_the_journal_and_the_log(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    vouched = station(store, "sealed", clerks_station="window", escrow_to=lambda: TO_WINDOW)
    vouched.open_case("1", b"application")
    station(store, "alone").open_case("2", b"application")
    assert caplog.records == []
    case = station(store, "unsealed", clerks_station="window").open_case("3", b"application", Procedure.REVOCATION)
    assert caplog.record_tuples == [
        (
            "kiosk.journal.journal",
            logging.WARNING,
            f"case {case.pseudonym[:8]} is opened unsealed: nobody vouches for station window's key",
        )
    ]
    database = open_database(store.url)
    opened = {entry.station: entry.body for entry in read_entries(database)}
    assert '"unsealed":"window"' in opened["unsealed"] and '"event":"revocation_opened"' in opened["unsealed"]
    assert '"unsealed"' not in opened["sealed"] + opened["alone"]
    assert '"escrow":"window"' in opened["sealed"]
    now = read_state(database)
    check_state(told_until(database, now.ends), now)


def test_a_pseudonym_is_128_bits_of_what_is_random(store: Store) -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    case = station(store, "here", random_bytes=random_bytes).open_case("1", b"application")
    assert (case.pseudonym, asked) == (bytes(range(16)).hex(), [16])


def test_the_words_of_what_happens_to_a_case_besides_its_steps_stay_as_they_are() -> None:
    assert (PURGED, ESCROWED, NOT_ADMITTED) == ("purged", "escrowed", "not_admitted")


def test_effects_stand_in_the_store_by_these_words() -> None:
    assert [state.value for state in EffectState] == ["intended", "unknown", "witnessed", "failed", "done"]
