"""What a library says of a wrong value is told in plain words."""

from __future__ import annotations

import pytest

from bot.cli.refusals import plainly


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Value error, 'x' is no colour", "'x' is no colour"),
        (
            "Input should be a valid UUID, invalid character: found `o` at 1",
            "this is no id; one looks like 01890a5d-ac96-774b-bcce-b302099a8057",
        ),
        ("Input should be a valid number, unable to parse string as a number", "this is no number"),
        (
            "Input should be a valid datetime, input is too short",
            "this is no time; one looks like 2026-03-01T12:00:00",
        ),
        ("Input should be greater than or equal to 1", "give at least 1"),
        ("Input should be 'agent' or 'admin'", "give 'agent' or 'admin'"),
        ("say --approve or --reject", "say --approve or --reject"),
    ],
)
def test_a_refusal_has_no_voice_of_a_library(said: str, told: str) -> None:
    assert plainly(f"Invalid value for 'X': {said}") == f"Invalid value for 'X': {told}"
