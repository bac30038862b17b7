"""A station's credential: what it is read from, and what is none."""

import pytest
from authority_desk import Desk, load

from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.errors import (
    CredentialInvalid,
)


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_credential_that_cannot_be_used_names_its_file(desk: Desk, content: bytes | None) -> None:
    path = desk.directory / "stations" / "broken.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CredentialInvalid, match=r"broken\.pem"):
        load_credential(path)


def test_a_credential_whose_parts_do_not_fit_is_refused(desk: Desk) -> None:
    path = desk.directory / "stations" / "mixed.pem"
    path.write_bytes(Credential(desk.clerk.key, desk.station.certificate).encode())
    with pytest.raises(CredentialInvalid, match=r"mixed\.pem.*not the key's"):
        load_credential(path)


def test_a_credential_knows_its_name_and_hides_its_key(desk: Desk) -> None:
    assert desk.station.name == "demo"
    assert "PRIVATE" not in repr(desk.station)
    assert load(desk.certify()).issuer == desk.station.chain[0].subject
