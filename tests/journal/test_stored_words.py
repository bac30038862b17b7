"""The words that stand in stores stay what they are: a later program reads what this one wrote."""

from kiosk.journal.records import EffectState


def test_effects_stand_in_the_store_by_these_words() -> None:
    assert [state.value for state in EffectState] == ["intended", "unknown", "witnessed", "failed", "done"]
