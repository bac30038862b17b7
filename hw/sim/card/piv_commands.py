"""The commands of the PIV application, one function each (NIST SP 800-73-4 part 2, section 3).

Below the standard's stand those that other makers' cards have and their tools ask for: version, serial number,
metadata, attestation, import, moving of keys, management key, number of tries, reset. A function is called with a
command whose form its table row has checked; it answers, or raises `Refusal` having done nothing.
"""

import hmac
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from hw.sim.card import attestation, piv_keys, tlv
from hw.sim.card.apdu import Answer, Command, Refusal, Status
from hw.sim.card.channel import ChannelEnd
from hw.sim.card.memory import PivKey, Reference
from hw.sim.card.personalization import (
    ATTESTATION_KEY,
    ATTESTATION_OBJECT,
    FACTORY_MANAGEMENT_KEY,
    piv_serial,
)
from hw.sim.card.piv_chip import PivChip
from hw.sim.card.piv_objects import (
    ALWAYS,
    BIOMETRIC_TEMPLATES,
    DISCOVERY,
    DISCOVERY_OBJECT,
    KEY_REFERENCES,
    LARGEST_OBJECT,
    NEVER,
    OBJECTS,
    PIN_PROTECTED,
)

VERSION = bytes((5, 7, 2))
"""The version whose command set, beyond the standard, this card has."""

PIN, PUK, MANAGEMENT_KEY = 0x80, 0x81, 0x9B
REFERENCE_SIZE = 8
_REFERENCES = {PIN: "pin", PUK: "puk"}
_DYNAMIC_AUTHENTICATION, _WITNESS, _CHALLENGE, _RESPONSE, _EXPONENTIATION = 0x7C, 0x80, 0x81, 0x82, 0x85
_OBJECT, _TAG_LIST = 0x53, 0x5C
_CONTROL_TEMPLATE, _PUBLIC_KEY = 0xAC, 0x7F49
_PIN_POLICY, _TOUCH_POLICY = 0xAA, 0xAB
_GENERATED, _IMPORTED = 0x01, 0x02
_DESTROY, _ATTEST = 0xFF, 0xF9


class Pending(NamedTuple):
    """A witness or a challenge that the card has given out, in plain."""

    tag: int
    algorithm: int
    block: bytes


@dataclass
class Session:
    """What the application remembers until power is lost or another application is selected."""

    chip: PivChip
    end: ChannelEnd
    lacks: frozenset[int] = frozenset()
    is_pin_verified: bool = False
    is_pin_fresh: bool = False
    is_managed: bool = False
    pending: Pending | None = field(default=None, repr=False)

    def reset(self) -> None:
        """Forgets PIN, management key and channel."""
        self.is_pin_verified = self.is_pin_fresh = self.is_managed = False
        self.pending = None
        self.end.reset()


def _demand(allowed: bool) -> None:
    if not allowed:
        raise Refusal(Status.SECURITY_NOT_SATISFIED)


def _objects(data: bytes) -> dict[int, bytes]:
    try:
        return tlv.decode(data)
    except tlv.Malformed as error:
        raise Refusal(Status.DATA_WRONG) from error


# --- data objects


def get_data(session: Session, command: Command) -> Answer:
    """One data object (3.1.2); an empty one counts as none."""
    given = _objects(command.data)
    if _TAG_LIST not in given:
        raise Refusal(Status.DATA_WRONG)
    tag = int.from_bytes(given[_TAG_LIST], "big")
    if tag == DISCOVERY:
        return Answer(DISCOVERY_OBJECT)
    if not _is_object(tag):
        raise Refusal(Status.FILE_NOT_FOUND)
    _demand(tag not in PIN_PROTECTED or session.is_pin_verified)
    content = session.chip.memory.objects.get(tag)
    if content is None or (tag == ATTESTATION_OBJECT and _ATTEST in session.lacks):
        raise Refusal(Status.FILE_NOT_FOUND)
    return Answer(content if tag == BIOMETRIC_TEMPLATES else tlv.encode(_OBJECT, content))


def put_data(session: Session, command: Command) -> Answer:
    """Replaces one data object wholly (3.3.2)."""
    _demand(session.is_managed)
    given = _objects(command.data)
    if DISCOVERY in given:
        raise Refusal(Status.FUNCTION_NOT_SUPPORTED)
    if BIOMETRIC_TEMPLATES in given:
        tag, content = BIOMETRIC_TEMPLATES, command.data
    elif _TAG_LIST in given and _OBJECT in given:
        tag, content = int.from_bytes(given[_TAG_LIST], "big"), given[_OBJECT]
    else:
        raise Refusal(Status.DATA_WRONG)
    if not _is_object(tag):
        raise Refusal(Status.DATA_WRONG)
    if len(content) > LARGEST_OBJECT:
        raise Refusal(Status.FILE_TOO_SMALL)
    session.chip.write_object(tag, content)
    return Answer()


def _is_object(tag: int) -> bool:
    return tag in OBJECTS or 0x5F0000 <= tag <= 0x5FFFFF


# --- PIN and PUK


def verify(session: Session, command: Command) -> Answer:
    """Compares the PIN, tells its tries, or with P1 FF forgets that it was verified (3.2.1).

    A comparison that fails is answered by 63CX with the tries that are left after it, the last one by 63C0; 6983 is for
    a PIN that is blocked already and was not compared. Some cards in the shops answer 6983 to the last one too.
    """
    if command.p2 != PIN:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    if command.p1 == 0xFF:
        if command.data:
            raise Refusal(Status.DATA_WRONG)
        session.is_pin_verified = session.is_pin_fresh = False
        return Answer()
    if command.p1:
        raise Refusal(Status.P1P2_WRONG)
    if not command.data:
        tries = session.chip.memory.pin.record.tries
        return Answer() if session.is_pin_verified else Answer(sw=Status.TRIES | tries if tries else Status.PIN_BLOCKED)
    if len(command.data) != REFERENCE_SIZE:
        raise Refusal(Status.DATA_WRONG)
    session.is_pin_verified = session.is_pin_fresh = False
    answer = _compare(session, PIN, command.data)
    session.is_pin_verified = session.is_pin_fresh = answer.sw == Status.OK
    return answer


def change_reference(session: Session, command: Command) -> Answer:
    """Replaces PIN or PUK by one who knows it (3.2.2): the security status of the reference is set to TRUE."""
    if command.p2 not in _REFERENCES:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    answer = _replace(session, command.p2, command.p2, command.data)
    if command.p2 == PIN and answer.sw == Status.OK:
        session.is_pin_verified = session.is_pin_fresh = True
    return answer


def reset_retry_counter(session: Session, command: Command) -> Answer:
    """Sets a new PIN by one who knows the PUK (3.2.3): the security status of the PIN is not changed."""
    return _replace(session, PUK, PIN, command.data)


def _replace(session: Session, proof: int, target: int, data: bytes) -> Answer:
    if len(data) != 2 * REFERENCE_SIZE:
        raise Refusal(Status.DATA_WRONG)
    old, new = data[:REFERENCE_SIZE], data[REFERENCE_SIZE:]
    before = _held(session, proof).record.tries
    answer = _compare(session, proof, old)
    if answer.sw != Status.OK:
        # A wrong proof counts even where the new value could not be taken, and ends what was verified.
        if target == PIN:
            session.is_pin_verified = session.is_pin_fresh = False
        return answer
    if not _is_acceptable(target, new):
        session.chip.set_tries(_REFERENCES[proof], before)
        raise Refusal(Status.DATA_WRONG)
    session.chip.set_reference(_REFERENCES[target], new)
    return answer


def _held(session: Session, reference: int) -> Reference:
    return session.chip.memory.pin if reference == PIN else session.chip.memory.puk


def _compare(session: Session, reference: int, value: bytes) -> Answer:
    name = _REFERENCES[reference]
    held = _held(session, reference)
    if held.record.tries == 0:
        raise Refusal(Status.PIN_BLOCKED)
    # The try is spent before the comparison: whoever pulls the card at the right moment gains nothing by it.
    session.chip.set_tries(name, held.record.tries - 1)
    if not session.chip.matches(name, value):
        return Answer(sw=Status.TRIES | (held.record.tries - 1))
    session.chip.set_tries(name, held.maximum)
    return Answer()


def _is_acceptable(reference: int, value: bytes) -> bool:
    """A PIN is 6 to 8 digits padded with FF, a PUK 8 bytes of any value (part 1, 4.3; part 2, 2.4.3)."""
    digits = value.rstrip(b"\xff")
    return reference == PUK or (6 <= len(digits) and digits.isdigit())


# --- keys


def general_authenticate(session: Session, command: Command) -> Answer:
    """Whatever is done with a key: the templates' tags say what (3.2.4)."""
    pending, session.pending = session.pending, None
    given = _objects(_objects(command.data).get(_DYNAMIC_AUTHENTICATION, b""))
    if not given:
        raise Refusal(Status.DATA_WRONG)
    if command.p2 == MANAGEMENT_KEY:
        return _authenticate_manager(session, command.p1 or 0x03, given, pending)
    key = _key(session, command.p2, command.p1)
    if _EXPONENTIATION in given:
        operation, value = piv_keys.agree, given[_EXPONENTIATION]
    elif given.get(_CHALLENGE):
        operation, value = None, given[_CHALLENGE]
    else:
        raise Refusal(Status.DATA_WRONG)
    if given.get(_RESPONSE, b""):
        raise Refusal(Status.DATA_WRONG)
    _demand_pin(session, key)
    private = piv_keys.load(key.der)
    try:
        result = operation(private, value) if operation else piv_keys.answer_challenge(command.p1, private, value)
    except piv_keys.InputWrong as error:
        raise Refusal(Status.DATA_WRONG) from error
    session.is_pin_fresh = False
    return _authentication(_RESPONSE, result)


def _authenticate_manager(session: Session, algorithm: int, given: dict[int, bytes], pending: Pending | None) -> Answer:
    """Single authentication by challenge (81, 82), mutual by witness (80, 81)."""
    memory = session.chip.memory
    if algorithm != memory.management_algorithm:
        raise Refusal(Status.P1P2_WRONG)
    size = piv_keys.SECRET_ALGORITHMS[algorithm].block_size
    for tag in (_WITNESS, _CHALLENGE):
        if given == {tag: b""}:
            block = session.chip.random_bytes(size)
            session.pending = Pending(tag, algorithm, block)
            session.is_managed = False
            return _authentication(tag, _management(session, block) if tag == _WITNESS else block)
    answers = given.get(_WITNESS) or given.get(_RESPONSE)
    if pending is None or not answers:
        raise Refusal(Status.CONDITIONS_NOT_SATISFIED if answers else Status.DATA_WRONG)
    if pending.tag == _CHALLENGE and given.keys() == {_RESPONSE}:
        _demand(hmac.compare_digest(given[_RESPONSE], _management(session, pending.block)))
        session.is_managed = True
        return Answer()
    if pending.tag == _WITNESS and len(given.get(_CHALLENGE, b"")) == size and not given.get(_RESPONSE):
        _demand(hmac.compare_digest(given.get(_WITNESS, b""), pending.block))
        session.is_managed = True
        return _authentication(_RESPONSE, _management(session, given[_CHALLENGE]))
    raise Refusal(Status.DATA_WRONG)


def _management(session: Session, block: bytes) -> bytes:
    memory = session.chip.memory
    return piv_keys.encipher(memory.management_algorithm, memory.management_key, block)


def _authentication(tag: int, value: bytes) -> Answer:
    return Answer(tlv.encode(_DYNAMIC_AUTHENTICATION, tlv.encode(tag, value)))


def _key(session: Session, reference: int, algorithm: int) -> PivKey:
    key = session.chip.memory.keys.get(reference)
    # The attestation key signs nothing but attestations, or they would be worth nothing.
    if reference not in KEY_REFERENCES:
        raise Refusal(Status.P1P2_WRONG)
    if key is None:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    if algorithm != key.algorithm:
        raise Refusal(Status.P1P2_WRONG)
    return key


def _demand_pin(session: Session, key: PivKey) -> None:
    """A key that asks for the PIN always needs it in the command just before its use."""
    _demand(key.pin_policy == NEVER or (session.is_pin_fresh if key.pin_policy == ALWAYS else session.is_pin_verified))


def generate(session: Session, command: Command) -> Answer:
    """A new key pair in a key reference (3.3.1); the one that was there is gone."""
    _demand(session.is_managed)
    _generable(command.p2)
    template = _objects(_objects(command.data).get(_CONTROL_TEMPLATE, b""))
    algorithm = int.from_bytes(template.get(_WITNESS, b""), "big")
    if algorithm not in piv_keys.ALGORITHMS:
        raise Refusal(Status.DATA_WRONG)
    if _ATTEST in session.lacks and template.keys() & {_PIN_POLICY, _TOUCH_POLICY}:
        raise Refusal(Status.DATA_WRONG)
    pin_policy, touch_policy = _policies(command.p2, template)
    der = piv_keys.generate(algorithm, session.chip.make_key)
    session.chip.write_key(command.p2, PivKey(der, algorithm, pin_policy, touch_policy, is_generated=True))
    key = piv_keys.load(der)
    shown = session.chip.make_key.shown(key) if isinstance(key, RSAPrivateKey) else key
    return Answer(tlv.encode(_PUBLIC_KEY, piv_keys.public_objects(shown)))


def _generable(reference: int) -> None:
    if reference not in KEY_REFERENCES:
        raise Refusal(Status.P1P2_WRONG)


def _policies(reference: int, given: dict[int, bytes]) -> tuple[int, int]:
    """PIN and touch policy; there is nothing to touch on a card, so only `never` can be asked for."""
    pin = int.from_bytes(given.get(_PIN_POLICY, b""), "big") or KEY_REFERENCES[reference].pin_policy
    touch = int.from_bytes(given.get(_TOUCH_POLICY, b""), "big") or NEVER
    if pin > ALWAYS or touch != NEVER:
        raise Refusal(Status.DATA_WRONG)
    return pin, touch


# --- beyond the standard


def get_version(session: Session, command: Command) -> Answer:
    """Three numbers."""
    return Answer(VERSION)


def get_serial(session: Session, command: Command) -> Answer:
    """Four bytes."""
    return Answer(piv_serial(session.chip.card.number).to_bytes(4, "big"))


def get_metadata(session: Session, command: Command) -> Answer:
    """Algorithm (01), policies (02), origin (03), public key (04), is default (05), tries (06)."""
    memory = session.chip.memory
    if command.p2 in _REFERENCES:
        held = _held(session, command.p2)
        tries = bytes((held.maximum, held.record.tries))
        return _metadata({0x01: b"\xff", 0x05: bytes((held.is_default,)), 0x06: tries})
    if command.p2 == MANAGEMENT_KEY:
        is_default = memory.management_key == FACTORY_MANAGEMENT_KEY
        algorithm = bytes((memory.management_algorithm,))
        return _metadata({0x01: algorithm, 0x02: bytes((0, NEVER)), 0x05: bytes((is_default,))})
    key = memory.keys.get(command.p2)
    if key is None:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    return _metadata(
        {
            0x01: bytes((key.algorithm,)),
            0x02: bytes((key.pin_policy, key.touch_policy)),
            0x03: bytes((_GENERATED if key.is_generated else _IMPORTED,)),
            0x04: piv_keys.public_objects(piv_keys.load(key.der)),
        }
    )


def _metadata(objects: dict[int, bytes]) -> Answer:
    return Answer(b"".join(tlv.encode(tag, value) for tag, value in objects.items()))


def attest(session: Session, command: Command) -> Answer:
    """A certificate over a key that this card made itself."""
    key, signer = (session.chip.memory.keys.get(slot) for slot in (command.p1, ATTESTATION_KEY))
    if key is None or signer is None or not key.is_generated:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    serial = int.from_bytes(session.chip.random_bytes(15), "big") + 1
    card = piv_serial(session.chip.card.number)
    return Answer(attestation.attest(command.p1, key, signer, card, VERSION, serial))


def import_key(session: Session, command: Command) -> Answer:
    """A key pair made elsewhere."""
    _demand(session.is_managed)
    _generable(command.p2)
    parts = _objects(command.data)
    if command.p1 not in piv_keys.ALGORITHMS:
        raise Refusal(Status.P1P2_WRONG)
    pin_policy, touch_policy = _policies(command.p2, parts)
    try:
        der = piv_keys.imported(command.p1, parts)
    except piv_keys.InputWrong as error:
        raise Refusal(Status.DATA_WRONG) from error
    session.chip.write_key(command.p2, PivKey(der, command.p1, pin_policy, touch_policy, is_generated=False))
    return Answer()


def move_key(session: Session, command: Command) -> Answer:
    """From the reference in P2 to the one in P1; to FF destroys it.

    The attestation key stays where it signs nothing but attestations. It can be destroyed; then nothing is attested.
    """
    _demand(session.is_managed)
    if command.p2 == ATTESTATION_KEY and command.p1 != _DESTROY:
        raise Refusal(Status.P1P2_WRONG)
    if command.p2 not in session.chip.memory.keys:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    target = None if command.p1 == _DESTROY else command.p1
    if target is not None:
        _generable(target)
        if target in session.chip.memory.keys:
            raise Refusal(Status.CONDITIONS_NOT_SATISFIED)
    session.chip.move_key(command.p2, target)
    return Answer()


def set_management_key(session: Session, command: Command) -> Answer:
    """Replaces the management key; data are its algorithm, then the key under its reference."""
    _demand(session.is_managed)
    algorithm, key = command.data[0], _objects(command.data[1:]).get(MANAGEMENT_KEY, b"")
    if command.p1 != 0xFF or command.p2 != 0xFF:
        raise Refusal(Status.P1P2_WRONG)
    if algorithm not in piv_keys.SECRET_ALGORITHMS or len(key) != piv_keys.SECRET_ALGORITHMS[algorithm].key_size:
        raise Refusal(Status.DATA_WRONG)
    session.chip.write_management_key(algorithm, key)
    return Answer()


def set_tries(session: Session, command: Command) -> Answer:
    """How many tries PIN (P1) and PUK (P2) have; both become the factory's."""
    _demand(session.is_managed and session.is_pin_verified)
    if not (1 <= command.p1 <= 15 and 1 <= command.p2 <= 15):
        raise Refusal(Status.P1P2_WRONG)
    session.chip.reset(command.p1, command.p2, keeps_contents=True)
    session.is_pin_verified = session.is_pin_fresh = False
    return Answer()


def reset(session: Session, command: Command) -> Answer:
    """Makes the application what it was when it was bought; only once PIN and PUK are both blocked."""
    memory = session.chip.memory
    if memory.pin.record.tries or memory.puk.record.tries:
        raise Refusal(Status.CONDITIONS_NOT_SATISFIED)
    session.chip.reset(3, 3, keeps_contents=False)
    session.reset()
    return Answer()
