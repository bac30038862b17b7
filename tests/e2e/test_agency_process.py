"""A resident's signed application goes to an agency that is a process of its own, and OpenSSL reads its answer."""

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from kiosk.eapply.agency_server import SIGNED_TYPE
from tests.e2e.commands import PASSWORD, application_file, at, authority, lines, run, started


def post(url: str, signed: bytes) -> tuple[int, bytes]:
    request = urllib.request.Request(f"{url}/submissions", signed, {"Content-Type": SIGNED_TYPE})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def acknowledged(acknowledgement: bytes, certificate: Path) -> dict[str, object]:
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-CAfile", str(certificate), "-purpose", "any"]
    told: dict[str, object] = json.loads(subprocess.run(command, input=acknowledgement, capture_output=True).stdout)
    return told


def test_what_the_counters_card_signs_is_accepted_until_the_certificate_is_revoked(tmp_path: Path) -> None:
    data, trust = tmp_path / "data", tmp_path / "ca" / "ca.pem"
    document, password = tmp_path / "tax.txt", tmp_path / "password"
    password.write_text(PASSWORD)
    with authority(tmp_path / "ca") as authority_url:
        settings = at(authority_url, tmp_path / "ca")
        done = run("drill", application_file(tmp_path / "a.toml"), "--json", "--data", data, *settings)
        assert done.returncode == 0, done.stderr
        serve = ("agency", "serve", "--listen", "127.0.0.1:0", "--trust", trust, "--data", tmp_path / "agency")
        with started(*serve, "--set", f"authority.url={authority_url}") as (serving, ready):
            word, url = ready.split()
            assert word == "ready"
            own = tmp_path / "agency.pem"
            own.write_bytes(urllib.request.urlopen(f"{url}/agency.pem").read())

            def submit(text: str) -> dict[str, object]:
                document.write_text(text)
                signed = run("sign", document, "--format", "cms-attached", "--pin-file", password, "--data", data)
                assert signed.returncode == 0, signed.stderr
                status, answer = post(url, Path(signed.stdout.strip()).read_bytes())
                assert status == 202, answer
                return acknowledged(answer, own)

            told = submit("income 1")
            serial = lines(done.stdout)[-1]["serial"]
            assert (told["number"], told["verdict"], told["serial"]) == (1, "accepted", serial)
            assert post(url, b"rubbish")[0] == 400
            revoked = run("ca", "revoke", serial, "--reason", "keyCompromise", "--data", tmp_path / "ca")
            assert revoked.returncode == 0, revoked.stderr
            told = submit("income 2")
            assert (told["number"], told["verdict"]) == (2, "rejected")
            second = run(*serve, "--set", f"authority.url={authority_url}")
            assert second.returncode == 70 and "in use" in second.stderr
            serving.terminate()
            assert serving.wait(timeout_s=30) == 0


def test_a_pdf_and_an_xml_document_are_signed_by_the_card_and_verified(tmp_path: Path) -> None:
    data, document, password = tmp_path / "data", tmp_path / "form.pdf", tmp_path / "password"
    password.write_text(PASSWORD)
    paper = run("paper", "inquiry", "-o", document, "--data", data)
    assert paper.returncode == 0, paper.stderr
    with authority(tmp_path / "ca") as url:
        settings = at(url, tmp_path / "ca")
        done = run("drill", application_file(tmp_path / "a.toml"), "--json", "--data", data, *settings)
        assert done.returncode == 0, done.stderr
        sign = ("--pin-file", password, "--data", data)
        (tmp_path / "form.xml").write_text("<form><income>1</income></form>")
        for name, form in (("form.pdf", "pades"), ("form.xml", "xades")):
            signed = run("sign", tmp_path / name, "--format", form, *sign)
            assert signed.returncode == 0, signed.stderr
            target = Path(signed.stdout.strip())
            assert target == tmp_path / name.replace("form.", "form.signed.")
            verify = ("verify", target, "--trust", tmp_path / "ca" / "ca.pem", *settings)
            verified = run(*verify, "--name", "幌延　太郎", "--json")
            assert (verified.returncode, json.loads(verified.stdout)["verdict"]) == (0, "accepted"), verified.stdout
            target.write_bytes(target.read_bytes() + b"x")
            changed = run(*verify)
            assert changed.returncode == 1 and "Traceback" not in changed.stderr
    refused = run("sign", password, "--format", "pades", *sign)
    assert refused.returncode == 78 and "not a PDF document" in refused.stderr
