"""How a PIV card is made to let its contents be changed: the card management key (NIST SP 800-73-4 part 2, 3.2.4, A.1).

The key is never in a command but when it is replaced: card and host prove to each other that they have it.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, algorithms, modes

from hw.card import tlv
from hw.card.apdu import SHORT, Command
from hw.card.connection import CommandPort
from hw.card.exchange import do
from hw.errors import CardAnswerInvalid, Refused

KEY_REFERENCE = 0x9B
FACTORY_KEY = bytes(range(1, 9)) * 3
"""What makers of PIV cards deliver them with."""

_TEMPLATE, _WITNESS, _CHALLENGE, _RESPONSE = 0x7C, 0x80, 0x81, 0x82


@dataclass(frozen=True)
class Algorithm:
    """A block cipher by its identifier (SP 800-78-4, table 6-2): sizes of key and block, and itself for a key."""

    identifier: int
    key_bytes: int
    block_bytes: int
    cipher: Callable[[bytes], CipherAlgorithm]


TDEA = Algorithm(0x03, 24, 8, TripleDES)
AES_256 = Algorithm(0x0C, 32, 16, algorithms.AES)
ALGORITHMS = {
    algorithm.identifier: algorithm
    for algorithm in (AES_256, TDEA, Algorithm(0x0A, 24, 16, algorithms.AES), Algorithm(0x08, 16, 16, algorithms.AES))
}
"""By identifier, that of the issuer's keys first."""


def ask_witness(port: CommandPort, algorithm: Algorithm) -> bytes:
    """The card's witness, encrypted under its management key. Raises `CardRefused`."""
    answer = _authenticate(port, algorithm, tlv.write(_WITNESS, b""))
    return _block(answer, _WITNESS, algorithm)


def prove(port: CommandPort, algorithm: Algorithm, key: bytes, witness: bytes, challenge: bytes) -> None:
    """Answers the witness and has the card answer `challenge`, one block. Raises `Refused` for a wrong key."""
    cipher = Cipher(algorithm.cipher(key), modes.ECB())  # noqa: S305 - one random block, as the standard says
    data = tlv.write(_WITNESS, cipher.decryptor().update(witness)) + tlv.write(_CHALLENGE, challenge)
    answer = _block(_authenticate(port, algorithm, data), _RESPONSE, algorithm)
    if not hmac.compare_digest(answer, cipher.encryptor().update(challenge)):
        raise Refused("the card does not have its management key: it is not the card that it says it is")


def replace_key(port: CommandPort, key: bytes, algorithm: Algorithm = AES_256) -> None:
    """Gives an authenticated card a new management key (INS FF, beyond the standard).

    Raises `CardRefused`, also for a card on which only its maker's own tools can.
    """
    data = bytes((algorithm.identifier,)) + tlv.write(KEY_REFERENCE, key)
    do(port, "replace management key", Command(0x00, 0xFF, 0xFF, 0xFF, data))


def _authenticate(port: CommandPort, algorithm: Algorithm, data: bytes) -> bytes:
    template = tlv.write(_TEMPLATE, data)
    command = Command(0x00, 0x87, algorithm.identifier, KEY_REFERENCE, template, SHORT.answer)
    return do(port, "authenticate to card", command)


def _block(answer: bytes, tag: int, algorithm: Algorithm) -> bytes:
    block = tlv.read(tlv.read(answer).get(_TEMPLATE, b"")).get(tag, b"")
    if len(block) != algorithm.block_bytes:
        raise CardAnswerInvalid(f"an authentication of {len(block)} bytes")
    return block
