"""`kiosk sign` and `kiosk verify`: the resident's signature by his card, and the agency's verdict on it."""

import dataclasses
import datetime
import json
import logging
import os
import sys
import termios
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from hw.bench import open_reader
from hw.card.key import CardKey
from hw.data_folder import hold_data
from hw.errors import CardAbsent, DeviceError, PinLocked, PinRefused, ReaderMissing
from hw.hardware import SIMULATED
from hw.ports import CardSession
from hw.strict_toml import ConfigInvalid
from kiosk.authority.client import OCSP_PATH
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.errors import AuthorityUnreachable, CredentialInvalid
from kiosk.authority.status_service import ask_status, ocsp_url
from kiosk.authority.verification import load_certificate
from kiosk.clock import system_clock
from kiosk.config import Config
from kiosk.eapply.cms import is_cms
from kiosk.eapply.errors import DocumentUnfit
from kiosk.eapply.sign import SignatureForm, refuse_unfit, sign
from kiosk.eapply.verify import Judge, Outcome, Verdict, verify
from kiosk.exit_code import ExitCode
from kiosk.model.certificate import CertificateStatus
from kiosk.model.secret import wipe

_EXIT = {
    Outcome.ACCEPTED: ExitCode.OK,
    Outcome.REJECTED: ExitCode.REFUSED,
    Outcome.UNDECIDED: ExitCode.UNDECIDED,
}


_LONGEST_PASSWORD_BYTES = 255
"""More than any card takes."""


class NothingToSignWith(Exception):
    """The card holds no certificate or no key."""


def run_sign(
    config: Config, data: Path, file: Path, out: Path | None, *, form: SignatureForm, pin_file: Path | None
) -> ExitCode:
    """Signs `file` with the card in the reader; writes what is signed, and its path to stdout."""
    content = _read(file)
    _quieten()
    try:
        refuse_unfit(content, form)
    except DocumentUnfit as error:
        raise ConfigInvalid(str(file), "", str(error)) from error
    target = out or form.path(file)
    # The simulated card's memory lies in the data directory, where a demo or a drill may be at work on it.
    is_simulated = config.hardware.card.link == SIMULATED
    if is_simulated and not data.exists():
        return _refuse(ExitCode.REFUSED, f"no card in the reader: {data} does not exist")
    try:
        with hold_data(data) if is_simulated else nullcontext():
            reader, hand = open_reader(config.hardware.card, data / "sim")
            if hand is not None and not hand.is_inserted:
                hand.insert_last()
            with reader.session() as card:
                signature = sign_by_card(content, card, form=form, pin_file=pin_file)
    except CardAbsent:
        return _refuse(ExitCode.REFUSED, "no card in the reader")
    except PinLocked:
        return _refuse(ExitCode.REFUSED, "the password is locked; only the counter can set a new one")
    except PinRefused as refused:
        return _refuse(ExitCode.REFUSED, f"wrong password, {refused.attempts_remaining} attempts remain")
    except ReaderMissing as error:
        return _refuse(ExitCode.CONFIG, f"card.link: {error}")
    except DocumentUnfit as error:
        raise ConfigInvalid(str(file), "", str(error)) from error
    except (DeviceError, NothingToSignWith) as error:
        return _refuse(ExitCode.REFUSED, str(error))
    try:
        target.write_bytes(signature)
    except OSError as error:
        raise ConfigInvalid(str(target), "", error.strerror or str(error)) from error
    print(target)
    return ExitCode.OK


def sign_by_card(content: bytes, card: CardSession, *, form: SignatureForm, pin_file: Path | None) -> bytes:
    """The document signed by the card in the session; its password is typed at the reader where that has a pad.

    Raises `NothingToSignWith`, `DocumentUnfit`, and what the card's driver raises.
    """
    status = card.pin_status()
    if not status.is_set:
        raise NothingToSignWith("the card has no password yet")
    if pin_file is None and card.has_pin_pad():
        print(f"Type the password at the reader ({status.attempts_remaining} attempts).", file=sys.stderr, flush=True)
        card.verify_pin_at_reader()
    else:
        password = read_password(pin_file, f"Password ({status.attempts_remaining} attempts): ")
        try:
            card.verify_pin(password)
        finally:
            wipe(password)
    public_key, certificate = card.public_key(), card.read_certificate()
    if public_key is None or certificate is None:
        raise NothingToSignWith("the card holds no certificate")
    try:
        loaded = load_certificate(certificate)
    except ValueError as error:
        raise NothingToSignWith("what the card holds is no certificate") from error
    return sign(content, loaded, CardKey(card, public_key), form)


def read_password(pin_file: Path | None, prompt: str) -> bytearray:
    """The first line of the file, else of the terminal without echo; the caller wipes it."""
    if pin_file is not None:
        try:
            with open(pin_file, "rb", buffering=0) as file:
                return _read_line(file.fileno(), str(pin_file))
        except OSError as error:
            raise ConfigInvalid(str(pin_file), "", error.strerror or str(error)) from error
    print(prompt, end="", file=sys.stderr, flush=True)
    descriptor = sys.stdin.fileno()
    if not os.isatty(descriptor):
        return _read_line(descriptor, "stdin")
    before = termios.tcgetattr(descriptor)
    silent = termios.tcgetattr(descriptor)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, silent)
    try:
        return _read_line(descriptor, "stdin")
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        print(file=sys.stderr)


def _read_line(descriptor: int, name: str) -> bytearray:
    line = bytearray()
    octet = bytearray(1)
    while os.readv(descriptor, [octet]) == 1 and octet[0] not in b"\r\n":
        line += octet
        if len(line) > _LONGEST_PASSWORD_BYTES:
            wipe(line)
            raise ConfigInvalid(name, "", f"no password: more than {_LONGEST_PASSWORD_BYTES} bytes before a line's end")
    return line


def _credential(path: Path) -> Credential:
    try:
        return load_credential(path)
    except CredentialInvalid as error:
        raise ConfigInvalid(str(path), "", error.reason) from error


def run_verify(
    config: Config,
    file: Path,
    signature: Path | None,
    trust: Path | None,
    name: str | None,
    credential: Path | None,
    *,
    is_json: bool,
) -> ExitCode:
    """Judges a signed file and writes the verdict to stdout.

    `credential` is that of a registered relying party, by which it asks for the status. Raises `ConfigInvalid`.
    """
    beside = file.with_name(file.name + ".p7s")
    if signature is None and beside.exists():
        signature = beside
    judge = judge_of(config, trust, credential)
    now = system_clock()
    _quieten()
    document = _read(file)
    if signature is not None:
        verdict = judge(_read(signature), now, content=document, claimed_name=name)
    else:
        holds = "encloses" if is_cms(document) else "holds"
        read_as = f"{file} is read as a document that {holds} its signature"
        print(f"kiosk: {beside}: no such file; {read_as}", file=sys.stderr)
        verdict = judge(document, now, claimed_name=name)
    _tell(verdict, is_json)
    return _EXIT[verdict.outcome]


def _quieten() -> None:
    """What pyHanko logs of damaged documents, with tracebacks, is told by the verdict or the refusal."""
    logging.getLogger("pyhanko").addHandler(logging.NullHandler())


def judge_of(config: Config, trust: Path | None, credential: Path | None) -> Judge:
    """The agency's judgement by the configured trust, policies and status service.

    `credential` is that of a registered relying party, by which it asks for the status. Raises `ConfigInvalid`.
    """
    own = None if credential is None else _credential(credential)
    anchors, policies = _trust(config, trust), config.policy.signature_policies

    def status_of(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        url = configured_ocsp(config.authority.url) or ocsp_url(certificate)
        if url is None:
            raise AuthorityUnreachable("the certificate names no status service, and authority.url is not set")
        return ask_status(
            url, certificate, issuer, clock=system_clock, timeout_s=config.authority.timeout_s, credential=own
        )

    def judge(
        signature: bytes, at: datetime.datetime, *, content: bytes | None = None, claimed_name: str | None = None
    ) -> Verdict:
        return verify(content, signature, anchors, policies, at, status_of, claimed_name)

    return judge


def configured_ocsp(authority_url: str) -> str:
    """Where the configured authority answers OCSP, whatever path its CMP service has; empty when none is configured."""
    parts = urlsplit(authority_url)
    return f"{parts.scheme}://{parts.netloc}{OCSP_PATH}" if authority_url else ""


def _trust(config: Config, trust: Path | None) -> tuple[x509.Certificate, ...]:
    if trust is not None:
        pem = _read(trust)
        try:
            return tuple(x509.load_pem_x509_certificates(pem))
        except ValueError as error:
            raise ConfigInvalid(str(trust), "", "no certificate in PEM") from error
    if not config.authority.credential:
        raise ConfigInvalid("--trust", "", "missing: name the authority's certificate, it is never fetched")
    try:
        return load_credential(config.home / config.authority.credential).chain
    except CredentialInvalid as error:
        raise ConfigInvalid("authority", "authority.credential", str(error)) from error


def _tell(verdict: Verdict, is_json: bool) -> None:
    if is_json:
        findings = [dataclasses.asdict(finding) for finding in verdict.findings]
        print(json.dumps({"verdict": verdict.outcome, "serial": verdict.serial, "findings": findings}))
        return
    for finding in verdict.findings:
        print(f"{finding.check:10} {finding.outcome:10} {finding.reason}")
    print(f"{'verdict':10} {verdict.outcome}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigInvalid(str(path), "", error.strerror or str(error)) from error


def _refuse(code: ExitCode, reason: str) -> ExitCode:
    print(f"kiosk: {reason}", file=sys.stderr)
    return code
