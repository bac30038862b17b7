"""The words that stand in stores and journals stay what they are: a later program reads what this one wrote."""

from kiosk.journal.journal import ESCROWED, NOT_ADMITTED, PURGED
from kiosk.journal.records import EffectState


def test_effects_stand_in_the_store_by_these_words() -> None:
    assert [state.value for state in EffectState] == ["intended", "unknown", "witnessed", "failed", "done"]


def test_events_of_no_step_stand_in_the_journal_by_these_words() -> None:
    assert (PURGED, ESCROWED, NOT_ADMITTED) == ("purged", "escrowed", "not_admitted")
