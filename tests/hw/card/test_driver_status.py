import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.card.status import Status, error_of
from hw.errors import CardRefused, OutcomeUnknown, PinLocked, PinRefused


def test_a_wrong_password_tells_the_attempts_that_remain() -> None:
    error = error_of("verify password", 0x63C4)
    assert isinstance(error, PinRefused)
    assert (error.attempts_remaining, error.sw, error.operation) == (4, 0x63C4, "verify password")


@pytest.mark.parametrize("sw", [0x6983, 0x63C0])
def test_a_password_without_attempts_is_locked(sw: int) -> None:
    assert isinstance(error_of("verify password", sw), PinLocked)


@pytest.mark.parametrize("sw", [0x6581, 0x6500, 0x6F00])
def test_a_card_that_may_have_changed_has_not_refused(sw: int) -> None:
    error = error_of("write certificate", sw)
    assert isinstance(error, OutcomeUnknown)
    assert f"{sw:04X}" in str(error)


@pytest.mark.parametrize(("sw", "meaning"), [(0x6982, "security status not satisfied"), (0x6A82, "file not found")])
def test_a_refusal_names_operation_status_and_meaning(sw: int, meaning: str) -> None:
    error = error_of("write certificate", sw)
    assert isinstance(error, CardRefused)
    assert str(error) == f"write certificate: card answered {sw:04X} ({meaning})"


@given(st.integers(0x6000, 0x9FFF).filter(lambda sw: sw != Status.OK))
def test_every_status_word_is_one_error(sw: int) -> None:
    assert isinstance(error_of("anything", sw), CardRefused | OutcomeUnknown)
