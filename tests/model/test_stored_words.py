"""Words that are stored, signed or sent: another program, or this one in ten years, has to read them."""

from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any

import pytest

from kiosk.issuance.persons import CardAction
from kiosk.issuance.report import Phase
from kiosk.journal.records import EffectState
from kiosk.model import eligibility
from kiosk.model.application import Application, Delivery, FiledApplication
from kiosk.model.certificate import BookedState, CertificateState, RevocationReason
from kiosk.model.eligibility import REFUSALS
from kiosk.model.identity import PHOTO_ONLY, IdentityDocument, IdentityRoute
from kiosk.model.password_service import (
    FiledPasswordChange,
    FiledUnlock,
    PasswordChangeApplication,
    UnlockApplication,
)
from kiosk.model.policy import Deadlines, Policy
from kiosk.model.resident import Resident, Sex
from kiosk.model.revocation import (
    REASON,
    AuthorisedRevocation,
    CardEmptied,
    FiledRevocation,
    RevocationApplication,
    RevocationCause,
    RevocationNotice,
)
from kiosk.model.step import (
    ACTOR,
    PROCEDURE,
    UNDO_ACTOR,
    Actor,
    PasswordChangeStep,
    Pause,
    RevocationStep,
    Step,
    Supplement,
    Undo,
    UnlockStep,
    actor_of,
)
from kiosk.model.testimony import AuthorityFound, PaperSeen
from kiosk.model.transition import Event, Procedure, Stage

STEPS = (
    "application identity_check authorise generate_key request certify write read_back fee confirm take_card receipt"
    " closed"
)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Step, STEPS),
        (Undo, "revoke erase refund"),
        (
            Supplement,
            "replace_card_keys second_key second_request second_certify second_write second_read_back second_confirm"
            " second_revoke second_revocation",
        ),
        (Actor, "resident clerk station authority two_clerks"),
        (
            Stage,
            "opened filed identified authorised key_ready requested pending written delivered settled confirmed"
            " returned receipted closed refused rolling_back rolled_back fee_suspect receipt_suspect refund_suspect"
            " certificate_suspect"
            " on_hold"
            " revocation_opened revocation_filed revocation_identified revocation_authorised revocation_effected"
            " revocation_emptied revocation_closed revocation_refused revocation_abandoned"
            " password_change_opened password_change_filed password_changed password_change_refused"
            " password_change_abandoned password_change_unknown"
            " unlock_opened unlock_filed unlock_identified unlock_authorised unlocked unlock_refused unlock_abandoned"
            " unlock_unknown",
        ),
        (Event, "refuse roll_back end suspect testify purge hand_over resume abandon give_up"),
        (
            RevocationStep,
            "revocation_application revocation_identity_check revocation_authorise revocation revocation_empty_card"
            " revocation_notice",
        ),
        (PasswordChangeStep, "password_change_application password_change"),
        (UnlockStep, "unlock_application unlock_identity_check unlock_authorise password_reset"),
        (Pause, "hold return_day"),
        (RevocationCause, "withdrawn compromised moved erroneous"),
        (EffectState, "intended unknown witnessed failed done"),
        (Sex, "male female other"),
        (
            IdentityDocument,
            "driving_licence passport photo_card answered_letter health_insurance pension_book employee_card",
        ),
        (CertificateState, "good pending revoked unknown"),
        (BookedState, "pending good held revoked"),
        # RFC 5280, 5.3.1.
        (
            RevocationReason,
            "unspecified keyCompromise cACompromise affiliationChanged superseded cessationOfOperation"
            " certificateHold privilegeWithdrawn",
        ),
        (Delivery, "terminal window"),
        (Phase, "begun done"),
        (Procedure, "issuance revocation password_change unlock"),
        (CardAction, "insert insert_same hand_in take"),
        (PaperSeen, "whole partly nothing"),
        (AuthorityFound, "none_valid"),
    ],
)
def test_a_word_that_is_stored_stays_as_it_is(kind: type[StrEnum], words: str) -> None:
    assert {member.name: member.value for member in kind} == {
        name: word for name, word in zip(kind.__members__, words.split(), strict=True)
    }


def test_a_policy_that_names_no_route_asks_for_one_photo_document() -> None:
    (route,) = PHOTO_ONLY
    assert (route.name, route.beside) == ("photo", ())
    assert route.documents == ("driving_licence", "passport", "photo_card")
    assert route.checks == ("face", "expiry", "entries")


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [
        (RevocationApplication, {"has_card": False}),
        (FiledRevocation, {"second_certificate": b""}),
        (AuthorisedRevocation, {"second": None}),
        (CardEmptied, {"code": ""}),
        (RevocationNotice, {"code": ""}),
        (IdentityRoute, {"beside": ()}),
        (Application, {"form_items": None}),
        (FiledApplication, {"delivery": Delivery.TERMINAL}),
        (PasswordChangeApplication, {"which": None}),
        (FiledPasswordChange, {"which": "signature"}),
        (UnlockApplication, {"which": None}),
        (FiledUnlock, {"which": "signature"}),
        (Deadlines, {"records_years": 13}),
        (Policy, {"unattested_cards": "refused", "identity": PHOTO_ONLY, "relying_parties": "anybody"}),
        (Resident, {"is_japanese_national": True, "is_adult_ward": False, "is_protected": False}),
    ],
)
def test_what_a_record_leaves_out_it_says_nothing_of(kind: Any, left_out: dict[str, object]) -> None:
    defaults = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    assert defaults == left_out
    assert [type(value) for value in defaults.values()] == [type(value) for value in left_out.values()]


def test_a_refusal_keeps_its_code() -> None:
    assert eligibility.NOT_IN_REGISTER == "E01"
    assert [refusal.code for refusal in REFUSALS] == ["E02", "E03", "E04"]
    assert eligibility.CARD_OF_ANOTHER == "E06"
    assert eligibility.CERTIFICATE_EXISTS == "E07"
    assert eligibility.FORM_DIFFERS == "E09"
    assert eligibility.CHARACTER_UNCERTIFIABLE == "E14"
    assert eligibility.CARD_IN_USE == "E18"
    assert eligibility.NO_CERTIFICATE == "E24"


def test_who_acts_in_each_step_is_who_the_procedure_says() -> None:
    acts = "resident clerk clerk resident station authority station station resident authority resident station station"
    assert [(step, ACTOR[step]) for step in Step] == list(zip(STEPS.split(), acts.split(), strict=True))
    assert set(ACTOR) == set(Step)
    assert dict(UNDO_ACTOR) == {"revoke": "authority", "erase": "station", "refund": "clerk"}


def test_who_acts_in_what_is_no_issuance() -> None:
    acts = {
        RevocationStep: "clerk clerk clerk authority station station",
        PasswordChangeStep: "resident resident",
        UnlockStep: "resident clerk clerk resident",
        Pause: "clerk clerk",
    }
    for steps, words in acts.items():
        assert [actor_of(step) for step in steps] == words.split()


def test_the_authority_is_told_of_each_cause_by_its_own_reason() -> None:
    assert {cause.value: reason.value for cause, reason in REASON.items()} == {
        "withdrawn": "cessationOfOperation",
        "compromised": "keyCompromise",
        "moved": "affiliationChanged",
        "erroneous": "superseded",
    }
    assert [cause.value for cause in RevocationCause if cause.is_on_information] == ["moved", "erroneous"]


def test_the_towns_eight_steps_hold_every_effect_once_and_in_order() -> None:
    assert [name for name, _ in PROCEDURE] == [
        "visit",
        "application",
        "identity check",
        "key generation",
        "certificate request",
        "certification",
        "delivery",
        "fee",
    ]
    assert [step for _, steps in PROCEDURE for step in steps] == list(Step)
    assert [len(steps) for _, steps in PROCEDURE] == [0, 1, 2, 1, 1, 1, 2, 5]
