"""What `parley run` says when it is ready."""

from __future__ import annotations

from bot.processes import announcement


def test_the_first_suggestion_of_the_bot_is_what_to_ask() -> None:
    line = announcement("0.0.0.0", 8080, ("Which loans are there?", "Help"))
    assert line.startswith(
        "Parley is ready: open http://localhost:8080/ and ask “Which loans are there?” (site key"
    )


def test_of_a_bot_without_suggestions_nothing_is_said_to_ask_for() -> None:
    assert announcement("box", 80, ()).startswith("Parley is ready: open http://box:80/ (site key 'demo'")
