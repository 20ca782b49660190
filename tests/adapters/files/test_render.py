from __future__ import annotations

import pytest

from adapters.files.render import disposition


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.pdf", "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf"),
        ("two words.pdf", "attachment; filename=\"two words.pdf\"; filename*=UTF-8''two%20words.pdf"),
        ("Grüße.pdf", "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf"),
        ("100%.pdf", "attachment; filename=\"100_.pdf\"; filename*=UTF-8''100%25.pdf"),
        ('a"; x="b.pdf', "attachment; filename=\"a_; x=_b.pdf\"; filename*=UTF-8''a%22%3B%20x%3D%22b.pdf"),
        ("a\\b'c.pdf", "attachment; filename=\"a_b'c.pdf\"; filename*=UTF-8''a%5Cb%27c.pdf"),
        (
            "a\r\nSet-Cookie: b",
            "attachment; filename=\"a__Set-Cookie: b\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b",
        ),
    ],
)
def test_a_name_is_given_twice_and_can_break_out_of_neither(name, header):
    assert disposition(name, inline=False) == header


def test_a_picture_is_shown_in_place():
    assert disposition("a.png", inline=True).startswith("inline; ")
