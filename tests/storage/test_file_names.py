from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.file_names import LONGEST_BYTES, clean_name

PDF = (".pdf",)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("report.pdf", "report.pdf"),
        ("Jahresübersicht 2026.PDF", "Jahresübersicht 2026.PDF"),
        ("売上.pdf", "売上.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\ada\\report.pdf", "report.pdf"),
        ("/", "file.pdf"),
        ("", "file.pdf"),
        (".pdf", "pdf.pdf"),
        ("...", "file.pdf"),
        (".htaccess", "htaccess.pdf"),
        ("report.pdf.exe", "report.pdf.exe.pdf"),
        ("report.exe", "report.exe.pdf"),
        ("two\r\nSet-Cookie: a=b.pdf", "two Set-Cookie_ a=b.pdf"),
        ("nul\x00byte.pdf", "nulbyte.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe.pdf"),
        ("in\u200bvisible\u2066.pdf", "invisible.pdf"),
        ("line\u2028end.pdf", "lineend.pdf"),
        ("con.pdf", "_con.pdf"),
        ("COM1.tar.pdf", "_COM1.tar.pdf"),
        ("constant.pdf", "constant.pdf"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        ("  spaces   all\tover  .pdf", "spaces all over.pdf"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("lone\ud800surrogate.pdf", "lonesurrogate.pdf"),
    ],
)
def test_a_name_keeps_what_it_says_and_loses_what_deceives(given, clean):
    assert clean_name(given, PDF) == clean


def test_a_long_name_keeps_its_ending_and_whole_characters():
    name = clean_name("ü" * 500 + ".jpeg", (".jpg", ".jpeg"))
    assert name.endswith("ü.jpeg")
    assert len(name.encode()) <= LONGEST_BYTES


def test_each_of_a_types_endings_is_kept():
    assert clean_name("photo.jpeg", (".jpg", ".jpeg")) == "photo.jpeg"
    assert clean_name("photo", (".jpg", ".jpeg")) == "photo.jpg"


@given(st.text(max_size=300))
def test_whatever_it_is_called_it_can_be_saved_and_stays_as_it_is_when_cleaned_again(name):
    clean = clean_name(name, PDF)
    assert 0 < len(clean.encode()) <= LONGEST_BYTES
    assert clean.lower().endswith(".pdf")
    assert not set(clean) & set('/\\\x00\r\n"')
    assert not clean.startswith(".")
    assert clean_name(clean, PDF) == clean
