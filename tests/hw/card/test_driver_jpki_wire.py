"""The driver's bytes against the public card interface, without any simulated card."""

import pytest
from scripted_card import ScriptedCard

from hw.card.apdu import EXTENDED, SHORT, Limits
from hw.card.connection import Traffic, command_port
from hw.card.jpki import JpkiSession, open_session
from hw.errors import (
    CardAnswerInvalid,
    CardRefused,
    CardUnsupported,
    NotSent,
    OutcomeUnknown,
    PinLocked,
    PinRefused,
    Unsupported,
)

SELECT_AP = ("00A4040C0A D392F000260100000001", "9000")
SELECT_PIN = ("00A4020C02 001B", "9000")
SELECT_KEY = ("00A4020C02 001A", "9000")
SELECT_CERTIFICATE = ("00A4020C02 0001", "9000")
VERIFY = ("0020008008 4B494F534B313233", "9000")
READ_CERTIFICATE = "00B08100 00 1000"
ATTEMPTS = "00200080"
IDENTITY = "00CA0101 000200"
NUMBER = "5A10 4B494F534B3030303030303030303031"
LABEL = "5009 6A756B692D32303131"
PIN = bytearray(b"KIOSK123")
CERTIFICATE = b"\x30\x82\x01\x2c" + b"\xaa" * 300
MODULUS = (
    "BD68AA61945EBA7D35421BDFD654D1D4FB2B5664CDDC587BC5A2CDCD7851EDC753C5F76627DA3117383B2534D65A7F69A89A"
    "E2BD697F8DE8A7449696CAFDE5862609C927B477A7A8D029C4ABD3DAB0F46A9356AD30CADCC30125A1D69DA239C2C5E6FF1A"
    "78C8008C071F0FD90350195DA842C9BB3494B96F356EA4AE1583EACF0FCF1FCF83398832B950F84B5F199DF46980176C62F9"
    "D2FA55E7D3BB1D83519E357CF87EFF37510C8FB5C2E307D22676882260B0EF64E38191CB7955CD2AEACD6A0EB86A98A01C86"
    "7BF53846FD66DCFD8D1E461B360ED5D52CA71BB2202D0273BB76E75FE77C55E0B2E0662FC2DAC363B2478112EE6E587D8D30"
    "6E678105FD4F"
)
"""Of a key made and thrown away."""


class Talk:
    """A session over a written conversation that begins with SELECT AP; leaving it checks that all was said."""

    def __init__(self, *pairs: tuple[str, str], limits: Limits = EXTENDED) -> None:
        self._script = ScriptedCard(SELECT_AP, *pairs)
        self._limits = limits

    def __enter__(self) -> JpkiSession:
        traffic = Traffic(self._script, None, lambda: 0.0)
        session = open_session(command_port(traffic, self._limits), traffic, bytes)
        assert session is not None
        return session

    def __exit__(self, *_: object) -> None:
        self._script.close()


def test_a_certificate_is_read_in_one_exchange() -> None:
    file = CERTIFICATE.hex() + "00" * (4096 - len(CERTIFICATE))
    read = (READ_CERTIFICATE, file + "9000")
    with Talk(SELECT_PIN, VERIFY, read, SELECT_AP) as card:
        card.verify_pin(PIN)
        assert card.read_certificate() == CERTIFICATE
        card.deselect()
        assert card.exchanges == 5


@pytest.mark.parametrize("sw", ["6A86", "6A82", "6B00", "6981", "6986", "6A81"])
def test_a_card_without_short_identifiers_has_its_file_selected(sw: str) -> None:
    read = ("00B00000 00 1000", CERTIFICATE.hex() + "9000")
    with Talk((READ_CERTIFICATE, sw), SELECT_CERTIFICATE, read, read) as card:
        assert card.read_certificate() == CERTIFICATE
        assert card.read_certificate() == CERTIFICATE


@pytest.mark.parametrize("sw", ["6982", "6F00", "6581"])
def test_a_refusal_to_read_is_no_reason_to_try_another_way(sw: str) -> None:
    with Talk((READ_CERTIFICATE, sw)) as card, pytest.raises((CardRefused, OutcomeUnknown)):
        card.read_certificate()


def test_a_file_that_is_deactivated_holds_no_certificate() -> None:
    with Talk((READ_CERTIFICATE, "6283")) as card:
        assert card.read_certificate() is None


def test_on_a_card_of_the_second_layout_the_file_is_written_between_deactivation_and_activation() -> None:
    identity = (IDENTITY, f"{NUMBER}{LABEL} C10101 C20101 C30102 9000")
    writes = [
        ("0004 0000", "9000"),
        ("00D6 0000 000130" + CERTIFICATE.hex(), "9000"),
        ("0044 0000", "9000"),
    ]
    with Talk(identity, SELECT_CERTIFICATE, *writes) as card:
        card.number()
        card.write_certificate(CERTIFICATE)


def test_a_certificate_is_read_piece_by_piece_by_a_short_reader() -> None:
    reads = [
        ("00B0 8100 00", CERTIFICATE[:256].hex() + "9000"),
        ("00B0 0100 00", CERTIFICATE[256:].hex() + "00" * 4 + "6282"),
    ]
    with Talk(*reads, limits=SHORT) as card:
        assert card.read_certificate() == CERTIFICATE


@pytest.mark.parametrize("content", ["00", "00000000", "0082012C" + "AA" * 300, "00000000" + "AA" * 100])
def test_a_file_without_header_holds_no_certificate(content: str) -> None:
    with Talk((READ_CERTIFICATE, content + "9000")) as card:
        assert card.read_certificate() is None


@pytest.mark.parametrize("answers", [["FFFFFFFF"], ["3081FF00"], ["3082FFFF"], ["308200FF"], [""], ["308203E8AA", ""]])
def test_a_file_of_something_else_is_no_certificate(answers: list[str]) -> None:
    at = [READ_CERTIFICATE, "00B00005 00 0FFB"]
    pairs = [(read, answer + "9000") for read, answer in zip(at, answers, strict=False)]
    with Talk(*pairs) as card, pytest.raises(CardAnswerInvalid):
        card.read_certificate()


def test_what_makes_a_certificate_readable_is_removed_first_and_written_last() -> None:
    writes = [
        ("00D6 0000 01 00", "9000"),
        ("00D6 0001 00012F" + CERTIFICATE[1:].hex(), "9000"),
        ("00D6 0000 01 30", "9000"),
    ]
    with Talk(SELECT_CERTIFICATE, *writes) as card:
        card.write_certificate(CERTIFICATE)


def test_a_short_reader_writes_the_body_in_pieces() -> None:
    writes = [
        ("00D6 0000 01 00", "9000"),
        ("00D6 0001 FF" + CERTIFICATE[1:256].hex(), "9000"),
        ("00D6 0100 30" + CERTIFICATE[256:].hex(), "9000"),
        ("00D6 0000 01 30", "9000"),
    ]
    with Talk(SELECT_CERTIFICATE, *writes, limits=SHORT) as card:
        card.write_certificate(CERTIFICATE)


def test_what_the_card_has_emptied_is_not_emptied_again() -> None:
    answer = "7F49820109 81820100" + MODULUS + "8203010001"
    generate = ("0047 8000 00 0200", answer + "9000")
    writes = [("00D6 0001 00012F" + CERTIFICATE[1:].hex(), "9000"), ("00D6 0000 01 30", "6581")]
    again = [("00D6 0000 01 00", "6982")]
    with Talk(SELECT_KEY, generate, SELECT_CERTIFICATE, *writes, *again) as card:
        assert card.generate_key().modulus == int(MODULUS, 16)
        with pytest.raises(OutcomeUnknown):
            card.write_certificate(CERTIFICATE)
        with pytest.raises(CardRefused):
            card.write_certificate(CERTIFICATE)


@pytest.mark.parametrize(
    "certificate",
    [b"", CERTIFICATE[:-1], CERTIFICATE + b"\0", b"\x30\x81\x80" + bytes(128), b"\x30\x82\x0f\xfd" + bytes(4093)],
)
def test_what_the_public_interface_could_not_read_is_not_written(certificate: bytes) -> None:
    with Talk() as card, pytest.raises(NotSent):
        card.write_certificate(certificate)


def test_attempts_are_asked_of_the_card_each_time_and_the_file_is_selected_once() -> None:
    with Talk(SELECT_PIN, (ATTEMPTS, "63C5"), (ATTEMPTS, "63C3")) as card:
        assert (card.pin_status().attempts_remaining, card.pin_status().attempts_remaining) == (5, 3)


@pytest.mark.parametrize(("pin_state", "is_set"), [("00", False), ("01", True)])
def test_no_attempts_mean_locked_or_unset_as_the_card_says(pin_state: str, is_set: bool) -> None:
    identity = (IDENTITY, f"{NUMBER}{LABEL} C101{pin_state} C20100 9000")
    with Talk(SELECT_PIN, (ATTEMPTS, "63C0"), identity) as card:
        status = card.pin_status()
        assert (status.is_set, status.attempts_remaining) == (is_set, 0)
        assert card.number() == "KIOSK00000000001"


@pytest.mark.parametrize("sw", ["9000", "6983", "6A86"])
def test_an_answer_without_attempts_is_not_guessed_at(sw: str) -> None:
    with Talk(SELECT_PIN, (ATTEMPTS, sw)) as card, pytest.raises(CardRefused):
        card.pin_status()


OTHER_LABEL, OTHER_LAYOUT = f"{NUMBER}5009 6D796E612D32303939 C10101 9000", f"{NUMBER}{LABEL} C10101 C30109 9000"


@pytest.mark.parametrize("answer", [OTHER_LABEL, OTHER_LAYOUT])
def test_a_card_for_another_policy_is_unsupported(answer: str) -> None:
    with Talk((IDENTITY, answer)) as card, pytest.raises(CardUnsupported) as refused:
        card.number()
    assert refused.value.reason is Unsupported.OTHER_POLICY


@pytest.mark.parametrize("sw", ["6D00", "6A88", "6A86", "6A81", "6E00"])
@pytest.mark.parametrize(
    ("token", "reason"),
    [(b"JPKIAPICCTOKEN".ljust(32), Unsupported.NOT_PREPARED), (b"JPKIAPGPSETOKEN".ljust(32), Unsupported.EMULATED)],
)
def test_a_card_without_number_is_one_of_the_field_or_a_telephone(sw: str, token: bytes, reason: Unsupported) -> None:
    read = ("00B08600 00 1000", token.hex() + "9000")
    with Talk((IDENTITY, sw), read) as card, pytest.raises(CardUnsupported) as refused:
        card.number()
    assert refused.value.reason is reason


def test_a_card_that_refuses_extended_length_is_asked_in_short_from_then_on() -> None:
    identity = [(IDENTITY, "6700"), ("00CA0101 00", f"{NUMBER}{LABEL} C10101 9000")]
    with Talk(*identity, SELECT_KEY, ("0047 8100 00", "6A88")) as card:
        assert card.number() == "KIOSK00000000001"
        assert card.public_key() is None


@pytest.mark.parametrize(
    "identity",
    [
        f"{LABEL} C10101",
        f"5A02 4B49 {LABEL} C10101",
        f"{NUMBER.replace('4B', '6B')} {LABEL} C10101",
        f"{NUMBER}{LABEL}",
        f"{NUMBER}{LABEL} C10102",
        f"{NUMBER}{LABEL} C102",
    ],
)
def test_an_identity_that_is_none_is_invalid(identity: str) -> None:
    with Talk((IDENTITY, identity + "9000")) as card, pytest.raises(CardAnswerInvalid):
        card.number()


@pytest.mark.parametrize(("sw", "error"), [("63C4", PinRefused), ("63C0", PinLocked), ("6983", PinLocked)])
def test_a_password_is_presented_once_whatever_the_card_answers(sw: str, error: type[CardRefused]) -> None:
    with Talk(SELECT_PIN, (VERIFY[0], sw)) as card, pytest.raises(error):
        card.verify_pin(PIN)


def test_old_and_new_password_are_never_in_one_command() -> None:
    with Talk(SELECT_PIN, VERIFY, ("0024018004 41424344", "9000")) as card:
        card.change_pin(PIN, bytearray(b"ABCD"))


def test_an_empty_password_and_one_without_channel_are_not_sent() -> None:
    with Talk() as card:
        with pytest.raises(NotSent):
            card.verify_pin(bytearray())
        with pytest.raises(NotSent):
            card.set_pin(PIN)


def test_no_key_is_none() -> None:
    with Talk(SELECT_KEY, ("0047 8100 00 0200", "6A88")) as card:
        assert card.public_key() is None


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "7F4900",
        "81820100" + MODULUS + "8203010001",
        "7F49820104 81820100" + MODULUS,
        "7F49820109 81820100" + "11" * 256 + "8203010001",
        "7F4981088181" + "80" + "8203010001",
    ],
)
def test_an_answer_that_is_no_key_is_invalid(answer: str) -> None:
    with Talk(SELECT_KEY, ("0047 8100 00 0200", answer + "9000")) as card, pytest.raises(CardAnswerInvalid):
        card.public_key()


def test_a_signature_is_asked_for_as_every_client_of_the_card_does() -> None:
    with Talk(SELECT_KEY, ("802A 0080 03 ABCDEF 00", "55" * 256 + "9000")) as card:
        assert card.sign(b"\xab\xcd\xef") == b"\x55" * 256


def test_a_signature_or_an_attestation_of_another_length_is_invalid() -> None:
    sign = ("802A 0080 03 ABCDEF 00", "55" * 128 + "9000")
    attest = ("0088 0033 30" + "00" * 48 + "10", "55" * 8 + "9000")
    with Talk(SELECT_KEY, sign, attest) as card:
        with pytest.raises(CardAnswerInvalid):
            card.sign(b"\xab\xcd\xef")
        with pytest.raises(CardAnswerInvalid):
            card.attest(bytes(16), bytes(32))


def test_a_file_whose_selection_failed_is_selected_again() -> None:
    no_key = ("0047 8100 00 0200", "6A88")
    with Talk(SELECT_KEY, no_key, (SELECT_PIN[0], "6A82"), SELECT_KEY, no_key) as card:
        assert card.public_key() is None
        with pytest.raises(CardRefused):
            card.verify_pin(PIN)
        assert card.public_key() is None


def test_a_card_without_the_application_has_no_session() -> None:
    traffic = Traffic(ScriptedCard((SELECT_AP[0], "6A82")), None, lambda: 0.0)
    assert open_session(command_port(traffic, EXTENDED), traffic, bytes) is None
