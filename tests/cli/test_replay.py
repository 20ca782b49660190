"""`replay`: a conversation that really took place, against the flows as they are now."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

BOT = """
import random

from flows import Chat, Flow

visit = Flow("visit", description="Books a visit", phrases=["book a visit"])
card = Flow("card", description="Blocks a card", phrases=["block my card"])


async def reserve(day: str) -> str:
    return f"R-{random.randrange(10**12)}"


@visit
async def book_visit(chat: Chat) -> None:
    who = await chat.ask("who", "Who is coming?")
    day = await chat.ask("day", "Which day?", choices=["Friday", "Saturday"])
    number = await chat.call(reserve, day)
    await chat.say(f"So {day}, {who}, number {number}.")


@card
async def block_card(chat: Chat) -> None:
    number = await chat.ask("number", "Which number?", sensitive=True)
    await chat.call(reserve, number)
    await chat.say("Done.")
"""
VISIT = b"book a visit\nAda\nFriday\n"


class Author:
    """Somebody with a bot `acme` and a database in which it has talked."""

    def __init__(self, shell, database, file) -> None:
        self.shell, self.database, self.file = shell, database, file

    def talk(self, said: bytes) -> str:
        done = self.shell.run("chat", "--tenant", "acme", stdin=said)
        assert done.code == 0, done.err
        return str(asyncio.run(self._ask("select id from sessions order by started_at desc limit 1")))

    def replay(self, session: str, *options: str):
        return self.shell.run("replay", session, "--tenant", "acme", *options)

    def change(self, old: str, new: str) -> None:
        source = self.file.read_text()
        assert old in source
        self.file.write_text(source.replace(old, new))

    def rows(self) -> dict[str, str]:
        """A digest of every table."""
        return asyncio.run(self._digests())

    async def _ask(self, query: str):
        connection = await asyncpg.connect(self.database.owner_url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def _digests(self) -> dict[str, str]:
        connection = await asyncpg.connect(self.database.owner_url)
        try:
            tables = await connection.fetch(
                "select oid::regclass::text as name from pg_class where relkind = 'r' "
                "and relnamespace::regnamespace::text in ('public', 'analytics')"
            )
            return {
                row["name"]: await connection.fetchval(
                    f"select md5(coalesce(string_agg(t::text, chr(10) order by t::text), '')) from {row['name']} t"
                )
                for row in tables
            }
        finally:
            await connection.close()


@pytest.fixture
def author(deployed, shell, database):
    folder = shell.folder / "bots" / "acme"
    (folder / "flows").mkdir(parents=True)
    file = folder / "flows" / "visit.py"
    file.write_text(BOT)
    shell = shell.with_environment(**{**deployed.environment, "PARLEY_BOTS_DIR": str(folder.parent)})
    assert shell.run("tenant", "create", "acme").code == 0
    return Author(shell, database, file)


def test_a_finished_conversation_comes_out_the_same_and_nothing_is_written(author):
    session = author.talk(VISIT)
    before = author.rows()
    assert len(before) > 30 and before["turn_results"] != before["timers"]
    done = author.replay(session)
    assert (done.code, done.out, done.err) == (0, "no differences\n", "")
    told = author.replay(session, "--json").json
    assert (told["session"], told["same"], told["stopped"], told["notes"]) == (session, True, None, [])
    assert told["transcript"][0] == {"mark": " ", "text": "you> book a visit"}
    assert author.rows() == before


def test_what_comes_out_differently_is_shown_with_exit_code_1(author):
    session = author.talk(VISIT)
    before = author.rows()
    author.change("Which day?", "What day?")
    done = author.replay(session)
    assert done.code == 1
    assert done.out.splitlines()[:7] == [
        f"✗ session {session}",
        "    you> book a visit",
        "    bot> Who is coming?",
        "    you> Ada",
        "  - bot> Which day?   [Friday | Saturday]",
        "  + bot> What day?   [Friday | Saturday]",
        "    you> Friday",
    ]
    assert done.out.splitlines()[-1] == "differs from what was said"
    assert author.replay(session, "--json").json["same"] is False
    author.change("number = await chat.call(reserve, day)", "number = 'none'")
    told = author.replay(session).out
    assert "  ! the call reserve (visit, reserve) is on record and was not asked for" in told
    assert "  + bot> So Friday, Ada, number none." in told
    author.change("@visit\n", "")
    author.change('visit = Flow("visit", description="Books a visit", phrases=["book a visit"])\n', "")
    assert "  - bot> Who is coming?" in author.replay(session).out
    assert author.rows() == before


def test_a_sensitive_answer_that_is_kept_no_more_ends_the_replay_with_a_line(author):
    session = author.talk(b"block my card\n4929 1234\n")
    done = author.replay(session)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "no differences up to where it stops: "
        "the answer to number is sensitive, and is kept only while card runs\n"
    )
    assert author.replay(session, "--json").json["stopped"].startswith("the answer to number")


def test_a_test_recorded_from_a_finished_conversation_has_its_calls(author):
    session = author.talk(VISIT)
    recorded = author.shell.run("flows", "record", session, "--tenant", "acme")
    assert (recorded.code, recorded.err) == (0, "")
    assert "    reserve: R-" in recorded.out
    file = author.shell.folder / "recorded.yaml"
    file.write_text(recorded.out)
    played = author.shell.run("flows", "test", "--tenant", "acme", str(file))
    assert played.code == 0, played.out


def test_a_session_or_tenant_that_is_not_there_is_wrong_use(author):
    done = author.replay("0" * 32)
    assert (done.code, "in which anything was said" in done.said) == (2, True)
    done = author.shell.run("replay", "0" * 32, "--tenant", "nobody")
    assert (done.code, "nobody" in done.said) == (2, True)
    assert author.replay("no-id").code == 2
