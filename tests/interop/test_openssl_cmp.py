"""`openssl cmp` against `kiosk ca serve`: every command, by signatures of every kind and by a shared secret."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from served_authority import Served, ca, openssl, serving

REFERENCE = ("-ref", "device-1", "-secret", "pass:correct horse battery")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    directory = folder / "authority"
    (folder / "secret").write_text("correct horse battery\n")
    ca("init", "--data", str(directory))
    ca("client", "device-1", "--secret", str(folder / "secret"), "--data", str(directory))
    with serving(directory) as running:
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with keys and a request."""
    for name in ("key", "new-key"):
        make_key(tmp_path, name, "EC", "ec_paramgen_curve:P-256")
    openssl(tmp_path, "req", "-new", "-key", "key.pem", "-subj", "/C=JP/CN=from a request", "-out", "request.pem")
    return tmp_path


def make_key(work: Path, name: str, algorithm: str, *options: str) -> None:
    words = [word for option in options for word in ("-pkeyopt", option)]
    done = openssl(work, "genpkey", "-algorithm", algorithm, *words, "-out", f"{name}.pem")
    assert done.returncode == 0, done.stderr


def signed(served: Served, name: str = "", key: str = "") -> tuple[str, ...]:
    """Protection by a signature, the demo station's where none is named."""
    demo = str(served.directory / "stations" / "demo.pem")
    return ("-trusted", served.trust, "-cert", name or demo, "-key", key or demo)


ENROLMENTS = (
    ("-cmd", "ir", "-newkey", "key.pem", "-subject", "/CN=x"),
    ("-cmd", "cr", "-newkey", "key.pem", "-subject", "/CN=x"),
    ("-cmd", "p10cr", "-csr", "request.pem"),
    ("-cmd", "ir", "-newkey", "key.pem", "-subject", "/CN=x", "-implicit_confirm"),
)


@pytest.mark.parametrize("words", ENROLMENTS, ids=lambda words: " ".join((words[1], *words[6:])))
def test_enrolment_by_a_shared_secret(served: Served, work: Path, words: tuple[str, ...]) -> None:
    done = served.cmp(work, *words, *REFERENCE, "-certout", "out.pem")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sending CERTCONF" in done.stdout + done.stderr, "implicit confirmation is not granted"
    assert "good" in served.ocsp(work, "out.pem")


def test_whoever_shares_a_secret_learns_whom_to_trust(served: Served, work: Path) -> None:
    done = served.cmp(work, *ENROLMENTS[0], *REFERENCE, "-certout", "out.pem", "-cacertsout", "ca.pem")
    assert done.returncode == 0, done.stdout
    assert openssl(work, "verify", "-x509_strict", "-CAfile", "ca.pem", "out.pem").returncode == 0


def test_a_wrong_secret_gets_nothing(served: Served, work: Path) -> None:
    done = served.cmp(
        work, *ENROLMENTS[0], "-ref", "device-1", "-secret", "pass:wrong", "-trusted", served.trust, "-certout", "x"
    )
    assert done.returncode != 0 and "badMessageCheck" in done.stdout


KEYS = {
    "RSA": ("RSA", "rsa_keygen_bits:2048"),
    "P-384": ("EC", "ec_paramgen_curve:P-384"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_holder_updates_his_key_and_revokes_his_certificate(served: Served, work: Path, kind: str) -> None:
    make_key(work, "own", *KEYS[kind])
    enrolled = served.cmp(
        work, "-cmd", "ir", "-newkey", "own.pem", "-subject", "/CN=x", *REFERENCE, "-certout", "1.pem"
    )
    assert enrolled.returncode == 0, enrolled.stdout
    by_the_old = signed(served, "1.pem", "own.pem")
    updated = served.cmp(work, "-cmd", "kur", "-newkey", "new-key.pem", *by_the_old, "-certout", "2.pem")
    assert updated.returncode == 0, updated.stdout
    by_the_new = signed(served, "2.pem", "new-key.pem")
    revoked = served.cmp(work, "-cmd", "rr", "-oldcert", "1.pem", "-revreason", "4", *by_the_new)
    assert revoked.returncode == 0, revoked.stdout
    assert "superseded" in served.ocsp(work, "1.pem")
    again = served.cmp(work, "-cmd", "rr", "-oldcert", "1.pem", "-revreason", "4", *by_the_new)
    assert again.returncode != 0 and "certRevoked" in again.stdout
    assert "good" in served.ocsp(work, "2.pem")


def test_a_station_updates_its_own_key(served: Served, work: Path) -> None:
    updated = served.cmp(work, "-cmd", "kur", "-newkey", "key.pem", *signed(served), "-certout", "station.pem")
    assert updated.returncode == 0, updated.stdout
    by_the_new = signed(served, "station.pem", "key.pem")
    wish = ("-cmd", "cr", "-newkey", "new-key.pem", "-subject", "/CN=y", "-certout", "out.pem")
    enrolled = served.cmp(work, *wish, *by_the_new)
    assert enrolled.returncode == 0, enrolled.stdout


def test_what_a_shared_secret_was_given_is_revoked_by_its_own_key(served: Served, work: Path) -> None:
    """RFC 9483, 4.2: under the secret alone nothing is revoked, not even what it was given."""
    served.cmp(work, *ENROLMENTS[0], *REFERENCE, "-certout", "out.pem")
    revoke = ("-cmd", "rr", "-oldcert", "out.pem", "-revreason", "1")
    refused = served.cmp(work, *revoke, *REFERENCE)
    assert refused.returncode != 0 and "wrongIntegrity" in refused.stdout, refused.stdout
    revoked = served.cmp(work, *revoke, *signed(served, "out.pem", "key.pem"))
    assert revoked.returncode == 0, revoked.stdout
    assert "keyCompromise" in served.ocsp(work, "out.pem")


@pytest.mark.parametrize("item", ["caCerts", "currentCRL", "signKeyPairTypes", ""])
def test_general_messages(served: Served, work: Path, item: str) -> None:
    infotype = ("-infotype", item) if item else ()
    for protection in (REFERENCE, signed(served)):
        done = served.cmp(work, "-cmd", "genm", *infotype, *protection)
        assert done.returncode == 0 and f"id-it-{item}" in done.stdout, done.stdout


def test_one_request_asks_about_several_certificates(served: Served, work: Path) -> None:
    for number in range(3):
        enrolled = served.cmp(work, *ENROLMENTS[0], *REFERENCE, "-certout", f"{number}.pem")
        assert enrolled.returncode == 0, enrolled.stdout
    served.cmp(work, "-cmd", "rr", "-oldcert", "1.pem", "-revreason", "1", *signed(served, "1.pem", "key.pem"))
    asked = [word for number in range(3) for word in ("-cert", f"{number}.pem")]
    words = ("-issuer", served.trust, "-sha256", *asked, "-url", f"{served.url}/ocsp", "-CAfile", served.trust)
    for nonce in ((), ("-no_nonce",)):
        done = openssl(work, "ocsp", *words, *nonce)
        assert "Response verify OK" in done.stderr, done.stderr
        assert [line for line in done.stdout.splitlines() if ".pem:" in line] == [
            "0.pem: good",
            "1.pem: revoked",
            "2.pem: good",
        ]


def test_the_program_renews_a_stations_credential(served: Served, tmp_path: Path) -> None:
    ca("station", "terminal-9", "--data", str(served.directory))
    credential = served.directory / "stations" / "terminal-9.pem"
    before = credential.read_bytes()
    ca("renew", "--credential", str(credential), "--url", served.url, "--data", str(served.directory))
    assert credential.read_bytes() != before
    (tmp_path / "station.pem").write_bytes(credential.read_bytes())
    assert "good" in served.ocsp(tmp_path, "station.pem")
