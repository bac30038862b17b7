"""Cards with two keys that the counter itself issued, in the hands of programs that have nothing of ours.

A real pcscd with the simulated card in a process of its own; OpenSC signs with either key, openssl verifies.
"""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.commands import APPLICATION, lines, run, started
from tests.pcscd import PrivatePcscd

TEXT = b"a text to be signed"

# OpenSC's token, the key's identifier, and the password; each for the certificate that the closing line names so.
MYNA = {
    "certificate": ("JPKI (Digital Signature PIN)", "02", "HORONOBE2011"),
    "authentication_certificate": ("JPKI (User Authentication PIN)", "01", "4242"),
}
# The token of a PIV card bears the name in its certificate for authentication, which names nobody.
PIV = {"certificate": ("", "02", "424242"), "authentication_certificate": ("", "01", "424242")}


@pytest.mark.parametrize(
    ("profile", "password", "tokens"), [("myna-2016", "Horonobe2011", MYNA), ("piv", "424242", PIV)]
)
def test_both_certificates_of_a_card_that_the_counter_issued_are_good_for_other_peoples_programs(
    tmp_path: Path, profile: str, password: str, tokens: dict[str, tuple[str, str, str]]
) -> None:
    persons = f'password = "{password}"\nauthentication_password = "4242"'
    file = tmp_path / "application.toml"
    file.write_text(APPLICATION.read_text().replace('password = "Horonobe2011"', persons))
    with (
        PrivatePcscd() as pcscd,
        started("sim", "card", "--vpcd", f"127.0.0.1:{pcscd.vpcd_ports[0]}", "--profile", profile, module="hw"),
    ):
        reader = pcscd.reader_names[0]
        settings = ["--set", f"card.link=pcsc:{reader}", "--set", "policy.profile=myna-2016"]
        done = run("drill", file, "--json", "--data", tmp_path / "data", *settings, env=pcscd.env)
        assert done.returncode == 0, done.stderr + done.stdout
        closed = lines(done.stdout)[-1]
        (tmp_path / "text").write_bytes(TEXT)
        for name, (token, key, pin) in tokens.items():
            sign = ["pkcs11-tool", *(["--token-label", token] if token else []), "--login", "--pin", pin, "--sign"]
            sign += ["--id", key, "--mechanism", "SHA256-RSA-PKCS", "--input-file", str(tmp_path / "text")]
            subprocess.run([*sign, "--output-file", f"{tmp_path}/{name}.sig"], env=pcscd.env, check=True, timeout=120)
            assert verified_by_openssl(tmp_path, closed[name], tmp_path / f"{name}.sig")
        assert not verified_by_openssl(tmp_path, closed["certificate"], tmp_path / "authentication_certificate.sig")


def verified_by_openssl(folder: Path, certificate: str, signature: Path) -> bool:
    openssl = ["openssl", "x509", "-in", certificate, "-noout", "-pubkey"]
    (folder / "public.pem").write_bytes(subprocess.run(openssl, check=True, capture_output=True).stdout)
    verify = ["openssl", "dgst", "-sha256", "-verify", folder / "public.pem", "-signature", signature, folder / "text"]
    return subprocess.run(verify, capture_output=True, text=True).stdout.strip() == "Verified OK"
