"""What becomes of a certificate at an authority until it is confirmed: asked, else tried out once, and remembered.

An authority of ours says it, in a general message of our own type. Of another one a certificate in this station's own
name is asked for, whose key is thrown away: the status service tells whether it is on hold. One that is good at once is
put on hold by `rr`; an authority that does not do that is of no use at a counter where the fee comes after the
certificate. Whatever came is declined and revoked again.
"""

import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.authority.errors import AuthorityError, AuthorityRejected, CertificateUnacceptable
from kiosk.authority.holding import HoldingClient
from kiosk.model.certificate import RevocationReason


class Pending(StrEnum):
    """What an authority does with a certificate until it is confirmed: holds it by itself, or does nothing."""

    HELD = "held"
    NONE = "none"


class AuthorityCannotHold(Exception):
    """The authority has no pending state and does not hold: every certificate would be valid before its fee."""


class _Memory(msgspec.Struct):
    """What was found out, and of which authority."""

    authority: str
    pending: Pending


def find_pending(client: HoldingClient, memory: Path) -> Pending | None:
    """How the authority of this client works, None when it does not say and lets nobody try; `memory` is a file.

    Raises `AuthorityCannotHold`, and `AuthorityError` when nothing can be found out now.
    """
    if remembered := _recall(memory, client.authority_name):
        return remembered
    found = _ask(client) or _try_out(client)
    if found is not None:
        _remember(memory, _Memory(client.authority_name, found))
    return found


def _ask(client: HoldingClient) -> Pending | None:
    try:
        return Pending.HELD if client.is_pending_known() else None
    except AuthorityRejected as rejected:
        # Whoever does not know the question says so; whoever does not know us has to be heard.
        if rejected.fail_info not in ("badRequest", "badDataFormat", ""):
            raise
        return None


def _try_out(client: HoldingClient) -> Pending | None:
    message = client.own_request_message(ec.generate_private_key(ec.SECP256R1()))
    try:
        pending, is_held_by_authority = client.certify_own(message.der)
    except CertificateUnacceptable as refused:
        _undo(client, refused.certificate)
        raise AuthorityCannotHold(refused.reason) from refused
    except AuthorityRejected:
        return None
    with suppress(AuthorityError):
        client.reject(client.reject_message(pending, "it was only tried out").der)
    _undo(client, pending.certificate)
    return Pending.HELD if is_held_by_authority else Pending.NONE


def _undo(client: HoldingClient, certificate: bytes) -> None:
    # Its key is gone, so that a certificate that stays is worth nothing to anybody.
    with suppress(AuthorityError):
        client.revoke(client.revoke_message(certificate, RevocationReason.CESSATION_OF_OPERATION).der)


def _recall(memory: Path, authority: str) -> Pending | None:
    try:
        kept = msgspec.json.decode(memory.read_bytes(), type=_Memory)
    except (OSError, msgspec.MsgspecError):
        return None
    return kept.pending if kept.authority == authority else None


def _remember(memory: Path, what: _Memory) -> None:
    work = memory.with_name(memory.name + ".part")
    work.write_bytes(msgspec.json.encode(what))
    os.replace(work, memory)
