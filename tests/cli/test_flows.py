"""`flows test|check|graph|record`, as an author of flows uses them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from commands import ROOT

BOT = """
from flows import Chat, Flow

visit = Flow("visit", description="Books a visit", phrases=["book a visit"])


async def reserve(day: str) -> str:
    return "R-1"


@visit
async def book_visit(chat: Chat) -> None:
    who = await chat.ask("who", "Who is coming?")
    day = await chat.ask("day", "Which day?", choices=["Friday", "Saturday"])
    number = await chat.call(reserve, day)
    await chat.ask("sure", f"So {day}, {who}, number {number}?", bool)
"""
TEST = """
name: A visit is booked
given: {calls: {reserve: R-1}}
talk:
  - user: book a visit
  - user: Ada
  - bot: Which day?
  - press: Friday
  - bot: So Friday, Ada, number R-1?
"""


@pytest.fixture
def author(shell):
    """A shell in a folder with a bot `acme`, of one flow and one test."""
    folder = shell.folder / "bots" / "acme"
    (folder / "flows").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "flows" / "visit.py").write_text(BOT)
    (folder / "tests" / "visit.yaml").write_text(TEST)
    return shell.with_environment(PARLEY_BOTS_DIR=str(folder.parent))


def test_the_tests_of_a_bot_are_played_without_a_server(author):
    done = author.run("flows", "test", "--tenant", "acme")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1 of 1 as expected")
    assert not author.data_dir.exists()


@pytest.mark.parametrize("command", ["test", "check"])
def test_of_a_bot_that_is_not_there_those_that_are_there_are_named(author, command):
    done = author.run("flows", command, "--tenant", "nope")
    assert done.code == 1
    bots = author.folder / "bots"
    assert done.err == f"parley: there is no bot 'nope' in {bots}; those there: acme\n"


def test_a_verb_without_await_fails_test_and_check_with_its_line(author):
    file = author.folder / "bots" / "acme" / "flows" / "visit.py"
    file.write_text(BOT.replace("    day = await", '    chat.say("Hello!")\n    day = await'))
    place = f"{file}:14: "
    tested = author.run("flows", "test", "--tenant", "acme")
    assert tested.code == 1
    assert f"! {place}say: it was never awaited" in tested.out
    checked = author.run("flows", "check", "--tenant", "acme")
    assert checked.code == 1
    assert checked.out.startswith(f"{place}say: it was never awaited")
    assert checked.out.endswith("1 test: no differences between runs; 1 mistake\n")
    assert (tested.err, checked.err) == ("", "")


def test_what_differs_is_printed_as_a_transcript_with_exit_code_1(author):
    file = author.folder / "other.yaml"
    file.write_text(TEST.replace("Which day?", "What day?"))
    done = author.run("flows", "test", "--tenant", "acme", str(file))
    assert done.code == 1
    assert done.out.splitlines()[:6] == [
        f"✗ A visit is booked ({file}:2)",
        "    you> book a visit",
        "    bot> Who is coming?",
        "    you> Ada",
        "  - bot> What day?   (line 7)",
        "  + bot> Which day?   [Friday | Saturday]",
    ]
    [told] = author.run("flows", "test", "--tenant", "acme", "--json", str(file)).json
    assert (told["name"], told["passed"], told["line"]) == ("A visit is booked", False, 2)
    assert {"mark": "-", "text": "bot> What day?", "line": 7} in told["transcript"]


def test_a_test_that_cannot_be_read_is_refused_in_one_line(author):
    file = author.folder / "bad.yaml"
    file.write_text("name: x\ntalk:\n  - usr: a\n")
    done = author.run("flows", "test", "--tenant", "acme", str(file))
    assert (done.code, done.said.startswith(f"{file}:3: a line of the talk has no 'usr'")) == (1, True)
    file = author.folder / "away.yaml"
    assert author.run("flows", "test", "--tenant", "acme", str(file)).said.startswith(
        f"{file} cannot be read"
    )


def test_a_bot_without_tests_is_told_where_to_write_one(author):
    tests = author.folder / "bots" / "acme" / "tests"
    (tests / "visit.yaml").unlink()
    tests.rmdir()
    done = author.run("flows", "test", "--tenant", "acme")
    assert (done.code, done.said) == (1, f"no conversation test in {tests}: write a .yaml file there")


def test_a_flow_is_drawn_without_a_server(author):
    done = author.run("flows", "graph", "visit", "--tenant", "acme")
    assert done.code == 0
    assert done.out.startswith("flowchart TD\n")
    assert 'visit_2("day<br/>Which day?")' in done.out
    assert author.run("flows", "graph", "none", "--tenant", "acme").said.startswith("there is no flow 'none'")


def test_a_flow_that_comes_another_way_each_time_fails_the_check(author):
    assert author.run("flows", "check", "--tenant", "acme").out == "1 test: no differences between runs\n"
    file = author.folder / "bots" / "acme" / "flows" / "visit.py"
    file.write_text(
        BOT.replace("    day =", '    if chat.now.day == 1:\n        await chat.say("!")\n    day =')
    )
    done = author.run("flows", "check", "--tenant", "acme")
    assert done.code == 1
    assert done.out.startswith(
        f"{file}:15: visit: say: say (line 15) in one run, ask 'day' (line 16) in another\n"
    )


def test_live_sessions_are_recorded_drawn_and_held_against_new_code(deployed, author, database):
    author = author.with_environment(**{**deployed.environment, **author.environment})
    author.run("tenant", "create", "acme")
    talked = author.run("chat", "--tenant", "acme", stdin=b"book a visit\nAda\nFriday\n")
    assert talked.code == 0, talked.err
    session = only_session(database)

    recorded = author.run("flows", "record", session, "--tenant", "acme")
    assert (recorded.code, recorded.err) == (0, "")
    assert "    reserve: R-1\n" in recorded.out
    file = author.folder / "recorded.yaml"
    file.write_text(recorded.out)
    assert author.run("flows", "test", "--tenant", "acme", str(file)).code == 0

    drawn = author.run("flows", "graph", "visit", "--tenant", "acme", "--live").out
    assert "<b>1 waiting</b>" in drawn
    assert (
        author.run("flows", "check", "--tenant", "acme", "--live").out == "1 running session: 1 continues\n"
    )
    flow = author.folder / "bots" / "acme" / "flows" / "visit.py"
    flow.write_text(BOT.replace('"who"', '"name"'))
    [row] = author.run("flows", "check", "--tenant", "acme", "--live", "--json").json
    assert (row["session"], row["flow"], row["waits_at"], row["fate"]) == (
        session,
        "visit",
        "sure#0",
        "restarts",
    )
    assert row["why"] == "ask name#0 is not on record before sure#0"

    unknown = author.run("flows", "record", "0" * 32, "--tenant", "acme")
    assert (unknown.code, "in which anything was said" in unknown.said) == (1, True)


def test_the_demo_has_tests_that_pass(shell):
    done = shell.with_environment(PARLEY_BOTS_DIR=str(ROOT / "config" / "tenants")).run("flows", "test")
    assert (done.code, done.err) == (0, "")


def only_session(database) -> str:
    async def find() -> str:
        connection = await asyncpg.connect(database.owner_url)
        try:
            await connection.execute("select set_config('row_security', 'off', false)")
            return str(await connection.fetchval("select id from sessions"))
        finally:
            await connection.close()

    return asyncio.run(find())
