"""The authority over TLS with client certificates, by our client and by openssl; and what plain HTTP is refused for."""

import datetime
import subprocess
from pathlib import Path

import pytest
from served_authority import KIOSK, ROOT, ca, openssl, serving

from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.credential_renewal import renew_credential
from kiosk.authority.errors import AuthorityError
from tests.authority.softhsm import MODULE, PIN, token


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def client(url: str, credential: Credential, trust: Credential | None = None) -> AuthorityClient:
    return AuthorityClient(url, credential, (trust or credential).chain, clock=now)


def test_a_station_is_heard_over_tls_and_a_stranger_is_not(tmp_path: Path) -> None:
    directory = tmp_path / "authority"
    ca("init", "--data", str(directory))
    other = tmp_path / "other"
    ca("init", "--data", str(other))
    demo, stranger = (load_credential(d / "stations" / "demo.pem") for d in (directory, other))
    with serving(directory, "--tls", "--workers", "2") as served:
        assert served.url.startswith("https://")
        assert client(served.url, demo).station_record() == []
        with pytest.raises(AuthorityError):
            client(served.url, stranger, demo).station_record()
        with pytest.raises(AuthorityError):
            client(served.url, demo, stranger).station_record()
        pem = str(directory / "stations" / "demo.pem")
        key = openssl(tmp_path, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "k.pem")
        assert key.returncode == 0
        wish = ("-cmd", "ir", "-newkey", "k.pem", "-subject", "/CN=x", "-certout", "o.pem")
        proof = ("-trusted", served.trust, "-cert", pem, "-key", pem)
        tls = ("-tls_used", "-tls_cert", pem, "-tls_key", pem, "-tls_trusted", served.trust)
        done = served.cmp(tmp_path, *wish, *proof, *tls)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_production_authority_takes_no_request_in_plain_http_from_elsewhere(tmp_path: Path) -> None:
    directory = tmp_path / "authority"
    opened = []
    for number in range(2):
        (tmp_path / f"{number}").write_text(f"a passphrase of person {number}\n")
        opened += ["--passphrase", str(tmp_path / f"{number}")]
    ca("ceremony", "--person", "A", "--person", "B", *opened, "--data", str(directory))
    words = ["serve", "--data", str(directory), "--listen", "0.0.0.0:0", *opened, "--exit-with-parent"]
    done = subprocess.run(
        [*KIOSK, *words], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 78 and "--tls" in done.stderr
    with serving(directory, *opened, "--status-only") as served:
        certificate = tmp_path / "station.pem"
        ca("station", "x", "--data", str(directory), *opened)
        certificate.write_bytes((directory / "stations" / "x.pem").read_bytes())
        assert "good" in served.ocsp(tmp_path, "station.pem")
        assert "404" in served.cmp(tmp_path, "-cmd", "genm", "-ref", "x", "-secret", "pass:x").stdout


def test_workers_sign_with_a_key_in_a_token(tmp_path: Path) -> None:
    directory = tmp_path / "authority"
    (tmp_path / "pin").write_text(f"{PIN}\n")
    opened = ("--passphrase", str(tmp_path / "pin"))
    with token(tmp_path, "served") as begin:
        uri = f"{begin};object=ca?module-path={MODULE}"
        ca("init", "--data", str(directory), "--token", uri, *opened)
        with serving(directory, *opened, "--tls", "--workers", "2") as served:
            for _ in range(4):
                demo = load_credential(directory / "stations" / "demo.pem")
                assert client(served.url, demo).station_record() == []
                renewed = renew_credential(directory / "stations" / "demo.pem", lambda own: client(served.url, own))
                assert renewed.certificate != demo.certificate
