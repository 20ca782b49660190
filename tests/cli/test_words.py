"""A mistake in a tenant's own words is told by whatever loads its bot."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("command", ["check", "list", "graph"])
def test_a_text_that_lost_its_placeholder_is_told_in_one_line(shell, command):
    folder = shell.folder / "bots" / "acme"
    (folder / "flows").mkdir(parents=True)
    (folder / "bot.toml").write_text("[texts]\notp_message = 'Here is your code.'\n")
    done = shell.with_environment(PARLEY_BOTS_DIR=str(folder.parent)).run(
        "flows", command, "--tenant", "acme"
    )
    assert (done.code, done.out) == (1, "")
    assert done.said == (
        f"{folder}/bot.toml: texts.otp_message cannot be used: "
        "write {code} where it belongs, and no other braces"
    )


def test_a_question_that_no_document_answers_is_refused_in_the_bots_own_words(deployed):
    folder = deployed.folder / "bots" / "acme"
    folder.mkdir(parents=True)
    (folder / "bot.toml").write_text("[texts]\nnothing_found = 'Dazu weiß ich nichts.'\n", encoding="utf-8")
    deployed = deployed.with_environment(PARLEY_BOTS_DIR=str(folder.parent))
    deployed.run("tenant", "create", "acme")
    assert deployed.run("ask", "Was nun?", "--tenant", "acme").out == "Dazu weiß ich nichts.\n"
