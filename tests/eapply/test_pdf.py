"""A PDF document with a resident's signature in it: accepted as it is, rejected with anything changed or added."""

import re
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from hw.errors import CardAbsent
from kiosk.eapply import pdf
from kiosk.eapply.errors import DocumentUnfit
from kiosk.eapply.pdf import sign_pdf
from kiosk.eapply.verify import Outcome
from kiosk.model.certificate import CertificateState, CertificateStatus, RevocationReason
from tests.counter_bench import START, World
from tests.eapply.conftest import CONTENT, forged_like, judge_document, resident_key


def form(text: str, encrypt: StandardEncryption | None = None) -> bytes:
    """An application as a word processor would write it."""
    file = BytesIO()
    canvas = Canvas(file, encrypt=encrypt)
    canvas.drawString(72, 720, text)
    canvas.save()
    return file.getvalue()


@pytest.fixture(scope="module")
def signed_form(signed: tuple[World, bytes, bytes]) -> tuple[World, bytes]:
    world = signed[0]
    with resident_key(world) as (key, certificate):
        return world, sign_pdf(form("income 1"), certificate, key)


def covered(document: bytes) -> tuple[bytes, bytes]:
    """What the signature covers, and the signature, read as the standard says (ISO 32000-2, 12.8.1)."""
    match = re.search(rb"/ByteRange \[\s*(\d+) (\d+) (\d+) (\d+)\s*\]", document)
    assert match is not None
    first, first_length, second, second_length = map(int, match.groups())
    signature = document[first + first_length : second].strip(b"<>")
    part = document[first : first + first_length] + document[second : second + second_length]
    return part, bytes.fromhex(signature.decode()).rstrip(b"\0")


def test_a_signed_form_is_accepted_and_openssl_agrees(signed_form: tuple[World, bytes], tmp_path: Path) -> None:
    world, document = signed_form
    assert document.startswith(form("income 1")[:100]), "what was there stays, and the signature is added"
    assert judge_document(world, document, name="幌延 太郎").outcome is Outcome.ACCEPTED
    part, signature = covered(document)
    (tmp_path / "part").write_bytes(part)
    (tmp_path / "signature").write_bytes(signature)
    trusted = b"".join(ca.public_bytes(Encoding.PEM) for ca in world.authority.generations)
    (tmp_path / "ca.pem").write_bytes(trusted)
    files = ("-in", "signature", "-content", "part", "-CAfile", "ca.pem", "-out", "read")
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", *files, "-purpose", "any", "-no_check_time"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "read").read_bytes() == part


def test_only_a_good_certificate_and_the_certified_name_are_accepted(signed_form: tuple[World, bytes]) -> None:
    world, document = signed_form
    revoked = CertificateStatus(CertificateState.REVOKED, RevocationReason.KEY_COMPROMISE, START)
    assert judge_document(world, document, revoked).outcome is Outcome.REJECTED
    assert judge_document(world, document, name="天塩 花子").outcome is Outcome.REJECTED


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_byte_is_changed_no_other_document_is_accepted(
    signed_form: tuple[World, bytes], data: st.DataObject
) -> None:
    world, document = signed_form
    place = data.draw(st.integers(0, len(document) - 1))
    changed = bytearray(document)
    changed[place] ^= data.draw(st.integers(1, 255))
    verdict = judge_document(world, bytes(changed))
    # A few bytes of the signature's own container are signed by nobody: zeros behind it, the list of its digests.
    if verdict.outcome is not Outcome.REJECTED:
        assert covered(bytes(changed))[0] == covered(document)[0] and verdict == judge_document(world, document)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_whatever_is_added_or_cut_off_it_is_not_accepted(signed_form: tuple[World, bytes], data: st.DataObject) -> None:
    world, document = signed_form
    tail = data.draw(st.binary(min_size=1, max_size=64))
    assert judge_document(world, document + tail).outcome is Outcome.REJECTED
    assert judge_document(world, document[: data.draw(st.integers(0, len(document) - 1))]).outcome is Outcome.REJECTED


def test_what_is_changed_by_a_further_revision_is_rejected(signed_form: tuple[World, bytes]) -> None:
    world, document = signed_form
    file = BytesIO(document)
    writer = IncrementalPdfFileWriter(file)
    writer.root["/PageMode"] = pdf_name("/UseOutlines")
    writer.update_root()
    writer.write_in_place()
    verdict = judge_document(world, file.getvalue())
    assert verdict.outcome is Outcome.REJECTED and "whole document" in str(verdict.findings)


def test_two_signatures_are_not_judged_as_one(
    signed_form: tuple[World, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, document = signed_form
    with resident_key(world) as (key, certificate):
        with pytest.raises(DocumentUnfit, match="already"):
            sign_pdf(document, certificate, key)
        monkeypatch.setattr(pdf, "_FIELD", "Signature2")
        with monkeypatch.context() as blind:
            blind.setattr(pdf, "_filled_fields", lambda reader: 0)
            twice = sign_pdf(document, certificate, key)
    assert twice.startswith(document)
    verdict = judge_document(world, twice)
    assert verdict.outcome is Outcome.REJECTED and "2 signatures" in str(verdict.findings)


def written(before: bytes, objects: list[bytes]) -> bytes:
    """A document whose objects, the catalog first, stand behind what is there."""
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(before))
        before += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(before))
    return before + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def forged(part: bytes, signature: bytes, *, is_in_front: bool) -> bytes:
    """Another document under a signature over `part`: it lies somewhere in the file, and all lengths add up.

    The signature is written as a literal string, half as long as its hexadecimal digits, so that the rest is free.
    """
    other = b"BT (income 0) Tj ET"
    zeros = 4000
    while True:
        contents = signature + bytes(zeros)
        gap = 2 * len(contents) + 2
        if is_in_front:
            before, covers = part + b"\n", b"[0 %d %d 0]" % (len(part), len(part) + gap)
        else:
            before = b"%%PDF-1.7\n9 0 obj\n<< /Length %d >>\nstream\n" % len(part)
            covers = b"[0 0 %d %d]" % (len(before), len(part))
            before += part + b"\nendstream\nendobj\n"
        literal = contents.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b"\\r")
        kind = b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange "
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /SigFlags 3 /Fields [5 0 R] >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Annots [5 0 R] >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(other), other),
            b"<< /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /FT /Sig /T (Signature1) /V 6 0 R /P 3 0 R >>",
            kind + covers + b" /Contents (" + literal + b") >>",
        ]
        missing = len(part) + gap - len(written(before, objects))
        if missing > 0:
            for spaces in range(missing - 8, missing + 1):
                made = written(before + b" " * max(spaces, 0), objects)
                if len(made) == len(part) + gap:
                    return made
        zeros += 500


@pytest.mark.parametrize("is_in_front", [True, False])
def test_another_document_that_carries_a_real_signature_is_rejected(
    signed_form: tuple[World, bytes], signed: tuple[World, bytes, bytes], is_in_front: bool
) -> None:
    world, document = signed_form
    made = [forged(*covered(document), is_in_front=is_in_front)]
    if not is_in_front:
        made.append(forged(CONTENT, signed[1], is_in_front=False))
    for other in made:
        verdict = judge_document(world, other)
        assert verdict.outcome is Outcome.REJECTED and "whole document" in str(verdict.findings)


DAMAGED = {
    "root is a number": written(b"%PDF-1.7\n", [b"7"]),
    "field is a stream": written(
        b"%PDF-1.7\n",
        [
            b"<< /Type /Catalog /AcroForm << /Fields [2 0 R] >> >>",
            b"<< /FT /Sig /T (a) /V 3 0 R >>",
            b"<< /Type /X /Length 3 /Filter /FlateDecode >>\nstream\nabc\nendstream",
        ],
    ),
    "no pages": written(b"%PDF-1.7\n", [b"<< /Type /Catalog >>"]),
    "pages are a number": written(b"%PDF-1.7\n", [b"<< /Type /Catalog /Pages 7 >>"]),
    "flate": b"%PDF-1.7\n1 0 obj\n<< /Type /XRef /Size 2 /W [1 2 1] /Root 1 0 R /Length 5 /Filter /FlateDecode >>\n"
    b"stream\nabcde\nendstream\nendobj\nstartxref\n9\n%%EOF\n",
    "no xref": b"%PDF-1.7\n1 0 obj\n<< /Type /X /Size 2 /W [1 2 1] /Root 1 0 R /Length 5 >>\n"
    b"stream\nabcde\nendstream\nendobj\nstartxref\n9\n%%EOF\n",
}


@pytest.mark.parametrize("document", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_document_is_refused_in_words(signed: tuple[World, bytes, bytes], document: bytes) -> None:
    world = signed[0]
    assert judge_document(world, document).outcome is Outcome.REJECTED
    with resident_key(world) as (key, certificate), pytest.raises(DocumentUnfit):
        sign_pdf(document, certificate, key)


def test_what_the_card_says_comes_through_unchanged(signed: tuple[World, bytes, bytes]) -> None:
    class Pulled(rsa.RSAPrivateKey):
        key_size = 2048

        def sign(self, *args: object) -> bytes:
            raise CardAbsent("pulled")

        public_key = decrypt = private_numbers = private_bytes = __copy__ = __deepcopy__ = sign

    with resident_key(signed[0]) as (_, certificate), pytest.raises(CardAbsent):
        sign_pdf(form("income 1"), certificate, Pulled())


@pytest.mark.parametrize(
    "document",
    [b"", b"%PDF-", b"%PDF-1.7\nrubbish", b"PK\3\4", form("x")[:-20], form("secret", StandardEncryption("u", "o"))],
    ids=["nothing", "head", "rubbish", "zip", "cut", "encrypted"],
)
def test_what_is_no_pdf_document_is_neither_signed_nor_accepted(
    signed: tuple[World, bytes, bytes], document: bytes
) -> None:
    world = signed[0]
    assert judge_document(world, document).outcome is Outcome.REJECTED
    with resident_key(world) as (key, certificate), pytest.raises(DocumentUnfit):
        sign_pdf(document, certificate, key)


def test_a_certificate_of_its_own_is_rejected(signed_form: tuple[World, bytes]) -> None:
    world, _ = signed_form
    with resident_key(world) as (_, real):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        forged = forged_like(real, key)
    assert judge_document(world, sign_pdf(form("income 1"), forged, key)).outcome is Outcome.REJECTED
