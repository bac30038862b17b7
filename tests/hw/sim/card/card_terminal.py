"""A terminal for these tests: plain and secured commands, written from the specification and not from our driver.

GlobalPlatform Amendment D 1.1.2 (SCP03, AES-128, i=60, level 33); key derivation of SP 800-108 written out.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

SELECT_AP = "00A4040C0A D392F000260100000001"
SIGN_PIN, SIGN_KEY, CERTIFICATE, CA_CERTIFICATE = (
    "00A4020C02 001B",
    "00A4020C02 001A",
    "00A4020C02 0001",
    "00A4020C02 0002",
)
MASTERS = {
    "issue": (0x30, bytes(range(0x40, 0x50))),
    "reset": (0x31, bytes(range(0x50, 0x60))),
    "erase": (0x32, bytes(range(0x60, 0x70))),
}
ATTEST_MASTER = bytes(range(0x70, 0x80))


def cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def card_keys(master: bytes, purpose: str, number: str, blocks: int) -> list[bytes]:
    """SP 800-108, counter mode: counter (32 bits), label, 00, context, L in bits (32 bits)."""
    fixed = f"jpki-kiosk {purpose}".encode() + b"\0" + number.encode() + (blocks * 128).to_bytes(4, "big")
    return [cmac(master, counter.to_bytes(4, "big") + fixed) for counter in range(1, blocks + 1)]


def encipher(key: bytes, counter: bytes, data: bytes) -> bytes:
    iv = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(counter)
    padded = data + b"\x80" + bytes(15 - len(data) % 16)
    return Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor().update(padded)


def decipher(key: bytes, counter: bytes, data: bytes) -> bytes:
    iv = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(counter)
    padded = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor().update(data)
    plain, marker, zeros = padded.rpartition(b"\x80")
    assert marker and not zeros.strip(b"\0"), "padding of the answer"
    return plain


class Terminal:
    """Sends commands as hex text or bytes to `transmit`; fetches what 61xx promises."""

    def __init__(self, transmit: Callable[[bytes], bytes]) -> None:
        self._transmit = transmit
        self.chaining = bytes(16)
        self.counter = 0

    def send(self, command: str | bytes) -> tuple[bytes, int]:
        raw = bytes.fromhex(command) if isinstance(command, str) else command
        answer = self._transmit(raw)
        data, sw = answer[:-2], int.from_bytes(answer[-2:], "big")
        while sw >> 8 == 0x61:
            more = self._transmit(bytes((0x00, 0xC0, 0x00, 0x00, sw & 0xFF)))
            data, sw = data + more[:-2], int.from_bytes(more[-2:], "big")
        return data, sw

    def ok(self, command: str | bytes) -> bytes:
        data, sw = self.send(command)
        assert sw == 0x9000, f"{sw:04X}"
        return data

    def number(self) -> str:
        identity = self.ok("00CA010100")
        assert identity[:2] == b"\x5a\x10"
        return identity[2:18].decode()

    def open_channel(self, purpose: str, host_challenge: bytes = bytes(range(8)), level: int = 0x33) -> None:
        """INITIALIZE UPDATE and EXTERNAL AUTHENTICATE with the demo issuer's keys."""
        version, master = MASTERS[purpose]
        enc, mac, _ = card_keys(master, purpose, self.number(), 3)
        self.open_with(version, enc, mac, host_challenge, level)

    def open_with(
        self, version: int, enc: bytes, mac: bytes, host_challenge: bytes = bytes(range(8)), level: int = 0x33
    ) -> None:
        """INITIALIZE UPDATE and EXTERNAL AUTHENTICATE with static keys."""
        answer = self.ok(bytes((0x80, 0x50, version, 0x00, 8)) + host_challenge + b"\0")
        assert answer[10:13] == bytes((version, 0x03, 0x60))
        context = host_challenge + answer[13:21]

        def session_key(key: bytes, constant: int, bits: int) -> bytes:
            return cmac(key, bytes(11) + bytes((constant, 0, 0, bits, 1)) + context)[: bits // 8]

        self.enc, self.mac, self.rmac = session_key(enc, 4, 128), session_key(mac, 6, 128), session_key(mac, 7, 128)
        assert answer[21:29] == session_key(self.mac, 0, 64), "card cryptogram"
        self.chaining, self.counter = bytes(16), 0
        self.ok(self._with_mac(bytes((0x84, 0x82, level, 0x00)), session_key(self.mac, 1, 64), b"", is_extended=False))

    def secure(self, command: str | bytes) -> tuple[bytes, int]:
        """A plain short or extended command, sent inside the channel; its plain answer."""
        raw = bytes.fromhex(command) if isinstance(command, str) else command
        data, sw = self.send(self.secured(raw))
        if sw != 0x9000 and sw >> 8 not in (0x62, 0x63):
            assert data == b""
            return data, sw
        protected, mac = data[:-8], data[-8:]
        assert mac == cmac(self.rmac, self.chaining + protected + sw.to_bytes(2, "big"))[:8], "R-MAC"
        marked = b"\x80" + self.counter.to_bytes(15, "big")
        return decipher(self.enc, marked, protected) if protected else b"", sw

    def secure_ok(self, command: str | bytes) -> bytes:
        data, sw = self.secure(command)
        assert sw == 0x9000, f"{sw:04X}"
        return data

    def secured(self, raw: bytes) -> bytes:
        """The bytes of a secured command."""
        self.counter += 1
        header, body = raw[:4], raw[4:]
        is_extended = len(body) > 1 and body[0] == 0
        if len(body) in (0, 1) or (is_extended and len(body) == 3):
            data, le = b"", body
        else:
            start = 3 if is_extended else 1
            end = start + int.from_bytes(body[:start], "big")
            data, le = body[start:end], body[end:]
            data = encipher(self.enc, self.counter.to_bytes(16, "big"), data)
        le = le[-2:] if is_extended else le
        return self._with_mac(bytes((header[0] | 0x04,)) + header[1:], data, le, is_extended)

    def _with_mac(self, header: bytes, data: bytes, le: bytes, is_extended: bool) -> bytes:
        lc = len(data) + 8
        length = b"\0" + lc.to_bytes(2, "big") if is_extended else bytes((lc,))
        self.chaining = cmac(self.mac, self.chaining + header + length + data)
        return header + length + data + self.chaining[:8] + le


def verify(pin: bytes) -> bytes:
    return bytes((0x00, 0x20, 0x00, 0x80, len(pin))) + pin


def set_pin(pin: bytes) -> bytes:
    return bytes((0x00, 0x24, 0x01, 0x80, len(pin))) + pin


def sign(digest_info: bytes) -> bytes:
    return bytes((0x80, 0x2A, 0x00, 0x80, len(digest_info))) + digest_info + b"\0"


def update(offset: int, data: bytes) -> bytes:
    return b"\x00\xd6" + offset.to_bytes(2, "big") + b"\0" + len(data).to_bytes(2, "big") + data


def read(offset: int, size: int) -> bytes:
    return b"\x00\xb0" + offset.to_bytes(2, "big") + b"\0" + size.to_bytes(2, "big")


def make_key(terminal: Terminal, pin: bytes) -> tuple[int, int]:
    """Opens an issuing channel, sets the password, makes a key pair: modulus and exponent."""
    terminal.open_channel("issue")
    terminal.ok(SIGN_PIN)
    terminal.secure_ok(set_pin(pin))
    terminal.secure_ok(verify(pin))
    terminal.secure_ok(SIGN_KEY)
    answer = terminal.secure_ok("0047800002AC0000")
    assert answer[:9] == bytes.fromhex("7F49820109 81820100")
    assert answer[-5:-3] == bytes.fromhex("8203")
    return int.from_bytes(answer[9:265], "big"), int.from_bytes(answer[-3:], "big")


def write_certificate(terminal: Terminal, file: str, certificate: bytes) -> None:
    """Body first, header last."""
    terminal.secure_ok(file)
    for start in range(4, len(certificate), 200):
        chunk = certificate[start : start + 200]
        terminal.secure_ok(b"\x00\xd6" + start.to_bytes(2, "big") + bytes((len(chunk),)) + chunk)
    terminal.secure_ok(b"\x00\xd6\x00\x00\x04" + certificate[:4])
