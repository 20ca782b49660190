from __future__ import annotations

import pytest
from samples import DOCX, SAMPLES, archive, declaring, gif, office, png

from storage.file_types import HEAD_BYTES, TAIL_BYTES, TYPES, find_type, suspicion

# These say nothing in their first bytes that tells one from the other.
ALIKE = ({"text/plain", "text/csv", "text/markdown"}, {"audio/mp4", "video/mp4"})


def edges(content: bytes) -> tuple[bytes, bytes]:
    return content[:HEAD_BYTES], content[-TAIL_BYTES:]


def doubt(declared: str, content: bytes) -> str | None:
    kind = TYPES[declared]
    head, tail = edges(content)
    assert kind.fits(head, tail)
    return suspicion(kind, head, tail)


def test_there_is_a_sample_of_every_type():
    assert set(SAMPLES) == set(TYPES)


@pytest.mark.parametrize("declared", TYPES)
def test_a_file_of_each_type_is_taken_without_doubt(declared):
    assert doubt(declared, SAMPLES[declared]) is None


@pytest.mark.parametrize("declared", TYPES)
def test_a_file_is_not_taken_for_another_type(declared):
    alike = next((group for group in ALIKE if declared in group), {declared})
    fitting = {name for name, content in SAMPLES.items() if TYPES[declared].fits(*edges(content))}
    if declared.startswith("text/"):
        # A PDF without anything binary in it is text as well.
        fitting -= {"application/pdf"}
    assert fitting == alike


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("image/png", "image/png"),
        ("Image/PNG", "image/png"),
        (" text/plain; charset=utf-8", "text/plain"),
        ("image/jpg", "image/jpeg"),
        ("audio/x-m4a", "audio/mp4"),
    ],
)
def test_a_type_is_found_however_it_is_written(said, meant):
    assert find_type(said) is TYPES[meant]


@pytest.mark.parametrize(
    "said",
    ["", "text/html", "image/svg+xml", "application/octet-stream", "application/zip", "image/*", "png"],
)
def test_what_a_browser_could_run_or_nobody_knows_is_not_taken(said):
    assert find_type(said) is None


@pytest.mark.parametrize(
    ("declared", "content", "reason"),
    [
        ("image/gif", gif() + archive("evil.class"), "an archive is hidden in it"),
        ("image/jpeg", SAMPLES["image/jpeg"] + archive("a.txt"), "an archive is hidden in it"),
        ("application/pdf", SAMPLES["application/pdf"] + archive("a.txt"), "an archive is hidden in it"),
        ("image/gif", gif() + b"<SCRIPT>alert(1)</SCRIPT>", "markup is hidden in it"),
        ("image/png", png() + b"<?php system($_GET[0]);", "markup is hidden in it"),
        ("image/jpeg", SAMPLES["image/jpeg"] + b"%PDF-1.4", "markup is hidden in it"),
        ("image/png", png(60_000, 60_000), "it is far larger when unpacked"),
        ("image/gif", gif(65_535, 65_535), "it is far larger when unpacked"),
        (DOCX, office("word/document.xml", "word/vbaProject.bin"), "it has macros"),
        (DOCX, declaring(office("word/document.xml"), 2**31), "it is far larger when unpacked"),
    ],
)
def test_a_file_that_is_more_than_it_says_is_doubted(declared, content, reason):
    assert doubt(declared, content) == reason


def test_a_photograph_with_its_cameras_notes_is_not_doubted():
    notes = (
        b'\xff\xe1http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
    )
    assert doubt("image/jpeg", SAMPLES["image/jpeg"][:-2] + notes + b"\xff\xd9") is None


@pytest.mark.parametrize("content", [b"a\x00b", b"\x7fELF", b"MZ\x90\x00\x03", b"x" * 9000 + b"\x00"])
def test_what_has_control_characters_is_no_text(content):
    assert not TYPES["text/plain"].fits(*edges(content))
