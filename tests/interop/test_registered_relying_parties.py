"""`openssl ocsp -signer` against an authority whose policy asks for registered relying parties."""

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_authority import KIOSK, ROOT, Served, ca, openssl, serving

from kiosk.authority.credential import load_credential
from kiosk.authority.errors import AuthorityOutcomeUnknown
from kiosk.authority.status_service import ask_status
from kiosk.clock import system_clock
from kiosk.model.certificate import CertificateState


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("served") / "authority"
    ca("init", "--data", str(directory))
    policy = directory / "policy.toml"
    text = policy.read_text("utf-8")
    assert 'relying_parties = "anybody"' in text
    policy.write_text(text.replace('relying_parties = "anybody"', 'relying_parties = "registered"'), "utf-8")
    ca("relying-party", "tax-office", "--data", str(directory))
    with serving(directory) as running:
        yield running


def ask(served: Served, work: Path, *signer: str) -> tuple[str, str]:
    station = served.directory / "stations" / "demo.pem"
    words = ("-issuer", served.trust, "-sha256", "-cert", str(station), "-url", f"{served.url}/ocsp")
    done = openssl(work, "ocsp", *words, "-CAfile", served.trust, *signer)
    return done.stdout, done.stderr


def listed(served: Served) -> str:
    command = [*KIOSK, "relying-parties", "--data", str(served.directory)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


def test_openssl_is_answered_when_it_signs_as_a_registered_relying_party(served: Served, tmp_path: Path) -> None:
    agency = served.directory / "relying_parties" / "tax-office.pem"
    for nonce in ((), ("-no_nonce",), ("-no_nonce",)):
        said, judged = ask(served, tmp_path, "-signer", str(agency), *nonce)
        assert "Response verify OK" in judged and ": good" in said
    name, state, _, answers, crls = listed(served).split()
    assert (name, state, answers, crls) == ("tax-office", "good", "ocsp=3", "crl=0")
    words = ("-cmd", "genm", "-infotype", "currentCRL", "-trusted", served.trust, "-cert", str(agency))
    done = served.cmp(tmp_path, *words, "-key", str(agency))
    assert done.returncode == 0 and "currentCRL" in done.stdout, done.stdout + done.stderr
    assert listed(served).endswith("ocsp=3 crl=1\n")


def test_our_own_tool_asks_as_one_too(served: Served) -> None:
    agency = load_credential(served.directory / "relying_parties" / "tax-office.pem")
    issuer = agency.chain[0]
    wanted = {"url": f"{served.url}/ocsp", "certificate": agency.certificate, "issuer": issuer}
    status = ask_status(**wanted, clock=system_clock, timeout_s=20, credential=agency)
    assert status.state is CertificateState.GOOD
    with pytest.raises(AuthorityOutcomeUnknown, match="SIG_REQUIRED"):
        ask_status(**wanted, clock=system_clock, timeout_s=20)


def test_openssl_is_told_what_is_missing(served: Served, tmp_path: Path) -> None:
    before = listed(served)
    assert "sigrequired (5)" in "".join(ask(served, tmp_path))
    clerk = served.directory / "clerks" / "demo.pem"
    assert "unauthorized (6)" in "".join(ask(served, tmp_path, "-signer", str(clerk)))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{served.url}/crl/full.crl", timeout=10)
    assert listed(served) == before


def test_one_that_is_revoked_is_told_nothing_more(served: Served, tmp_path: Path) -> None:
    ca("relying-party", "gone", "--data", str(served.directory))
    agency = str(served.directory / "relying_parties" / "gone.pem")
    assert ": good" in ask(served, tmp_path, "-signer", agency)[0]
    (serial,) = [line.split()[2] for line in listed(served).splitlines() if line.startswith("gone ")]
    ca("revoke", serial, "--data", str(served.directory))
    assert "unauthorized (6)" in "".join(ask(served, tmp_path, "-signer", agency))
