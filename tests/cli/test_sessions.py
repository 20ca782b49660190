"""Operators at the command line: beside a running process, and without one."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import asyncpg
import pytest
from commands import Visitor

from bot.parts import external_parts
from bot.runtime import Roles, open_runtime
from config.settings import Settings
from storage.redis import connect

READY = r"Parley is ready"
UNKNOWN = str(uuid4())


def wait_for(visitor: Visitor, text: str) -> None:
    """Until the visitor has read a text; the pause is the network's."""
    for _ in range(600):
        if text in visitor.history():
            return
    raise AssertionError(f"{text!r} did not come: {visitor.history()}")


def only_session(shell) -> str:
    [session] = shell.run("sessions", "list", "--json").json["sessions"]
    return session["session_id"]


def test_a_conversation_is_taken_over_beside_a_running_process(shell):
    with shell.started("run") as run:
        visitor = Visitor.of(run.url())
        assert visitor.say("balance") == "Which account?"
        session = only_session(shell)

        taken = shell.run("sessions", "take", session)
        assert (taken.code, taken.out) == (0, f"session: {session}\noutcome: accepted\n")
        visitor.send("Is anybody there?")
        assert shell.run("sessions", "reply", session, "I am. How can I help?").code == 0
        wait_for(visitor, "I am. How can I help?")

        [row] = shell.run("sessions", "list", "--status", "handoff", "--mine", "--json").json["sessions"]
        assert (row["owner"], row["flow"], row["session_id"]) == ("console", "check_balance", session)
        table = shell.run("sessions", "list")
        assert "handoff" in table.out
        assert session in table.out
        shown = shell.run("sessions", "show", session)
        assert "   3  user: Is anybody there?\n   4  console: I am. How can I help?\n" in shown.out
        told = shell.run("sessions", "show", session, "--limit", "2", "--json").json
        assert [line["seq"] for line in told["transcript"]] == [3, 4]

        assert shell.run("sessions", "resume", session).code == 0
        again = shell.run("sessions", "resume", session)
        assert (again.code, "there is nothing to give back" in again.said) == (1, True)

        closed = shell.run("sessions", "close", session, "--resolved", "--json")
        assert closed.json == {"session": session, "outcome": "accepted"}
        for _ in range(50):
            if shell.run("sessions", "list", "--status", "closed", "--json").json["sessions"]:
                break
        [row] = shell.run("sessions", "list", "--status", "closed", "--json").json["sessions"]
        assert (row["session_id"], row["resolved"], row["status"]) == (session, True, "closed")
        for action in (("take",), ("reply", "hello"), ("close",)):
            refused = shell.run("sessions", action[0], session, *action[1:])
            assert (refused.code, "is closed; the user's next message" in refused.said) == (1, True)


@pytest.fixture
def acme(deployed, database):
    """A deployment with one tenant and one session of it; (shell, session)."""
    flows = deployed.folder / "bots" / "acme" / "flows"
    flows.mkdir(parents=True)
    (flows / "pay.py").write_text(
        "from flows import Chat, Flow\n\n"
        'pay = Flow("pay", phrases=["order"])\n\n\n'
        "@pay\n"
        "async def order(chat: Chat) -> None:\n"
        "    await chat.say(\"Thank you for \" + str(await chat.wait(event='paid')))\n"
    )
    shell = deployed.with_environment(PARLEY_BOTS_DIR=str(deployed.folder / "bots"))
    assert shell.run("tenant", "create", "acme").code == 0
    assert shell.run("chat", "--tenant", "acme", stdin=b"order\n").code == 0
    return shell, only_session(shell)


def test_what_is_queued_without_a_process_is_done_by_the_next_one(acme):
    shell, session = acme
    paid = ("sessions", "event", session, "paid", "--value", '{"amount": 5}', "--key", "invoice-7")
    assert shell.run(*paid, "--json").json == {"session": session, "outcome": "accepted"}
    assert shell.run(*paid, "--json").json["outcome"] == "duplicate"
    with shell.started("worker") as worker:
        worker.saw('"event":"turn"')
    shown = shell.run("sessions", "show", session, "--json").json
    assert shown["transcript"][-1]["content"] == "Thank you for {'amount': 5}"


def test_operators_are_made_named_and_ended(acme):
    shell, session = acme
    assert shell.run("operator", "list").out == "No operator yet; `parley operator add NAME` makes one.\n"
    made = shell.run("operator", "add", "zoe", "--expires-days", "30", "--json").json
    assert (made["name"], made["role"]) == ("zoe", "agent")
    assert made["token"].startswith("parley_")
    [listed] = shell.run("operator", "list", "--json").json
    assert (listed["name"], "token" in listed) == ("zoe", False)
    assert "there is an operator 'zoe' already" in shell.run("operator", "add", "zoe").said
    assert "is no operator's name" in shell.run("operator", "add", "console").said
    assert shell.run("operator", "add", "ron", "--role", "viewer").code == 0

    assert shell.run("sessions", "take", session, "--as", "zoe").code == 0
    owned = shell.run("sessions", "reply", session, "hello")
    assert owned.said == f"session {session} is owned by zoe: add --force"
    assert shell.run("sessions", "reply", session, "hello", "--force").code == 0
    low = shell.run("sessions", "take", session, "--as", "ron")
    assert low.said == "the operator 'ron' is a viewer; this takes the role agent"
    assert shell.run("sessions", "show", session, "--as", "ron").code == 0
    assert "there is no operator 'nobody'" in shell.run("sessions", "take", session, "--as", "nobody").said

    assert shell.run("operator", "revoke", "zoe", "--json").json["revoked_at"] is not None
    assert "was revoked or has expired" in shell.run("sessions", "take", session, "--as", "zoe").said
    assert shell.run("operator", "add", "zoe", "--json").json["token"] != made["token"]
    assert "there is no operator 'nobody'" in shell.run("operator", "revoke", "nobody").said


def test_what_was_done_by_commands_is_on_record_under_the_name_given(acme, database):
    shell, session = acme
    shell.run("operator", "add", "zoe")
    shell.run("sessions", "show", session, "--as", "zoe")
    shell.run("sessions", "take", session)
    shell.run("sessions", "reply", session, "a secret matter", "--as", "zoe")

    async def on_record():
        connection = await asyncpg.connect(database.owner_url)
        try:
            rows = await connection.fetch(
                "select actor_kind, actor_id, action, detail, session_id::text from audit_log order by id"
            )
            return [tuple(row) for row in rows]
        finally:
            await connection.close()

    rows = asyncio.run(on_record())
    assert [(kind, who, action, json.loads(detail)) for kind, who, action, detail, _ in rows] == [
        ("command", "console", "operator.create", {"role": "agent"}),
        ("command", "zoe", "session.read", {}),
        ("command", "zoe", "transcript.read", {"from": 1, "to": 1}),
        ("command", "console", "session.take", {}),
        ("command", "zoe", "session.reply", {}),
        ("command", "zoe", "session.reply_void", {"outcome": "owned"}),
    ]
    assert {of for *_, of in rows[1:]} == {session}


def test_a_session_that_is_not_there_is_said_to_be_so_in_one_line(acme):
    shell, _ = acme
    for action in (("show",), ("take",), ("reply", "x"), ("resume",), ("close",), ("event", "paid")):
        done = shell.run("sessions", action[0], UNKNOWN, *action[1:])
        assert done.said == (
            f"the tenant has no session {UNKNOWN}; `parley sessions list` shows the open ones"
        ), action
        assert done.code == 1
    blank = shell.run("sessions", "reply", UNKNOWN, " ")
    assert (blank.code, "TEXT is a text of 1 to 8000 characters" in blank.said) == (2, True)


def test_sessions_are_listed_page_by_page_and_narrowed(acme):
    shell, session = acme
    for n in range(2):
        assert shell.run("channel", "add", "terminal", f"t{n}", "--tenant", "acme").code == 0
    page = shell.run("sessions", "list", "--limit", "1", "--json").json
    assert (len(page["sessions"]), page["cursor"]) == (1, None)
    [channel] = {each["account"] for each in page["sessions"]}
    for narrowed, count in [
        (("--channel", channel), 1),
        (("--channel", "t0"), 0),
        (("--platform", "web"), 0),
        (("--status", "handoff"), 0),
        (("--user", page["sessions"][0]["user"]["user_id"]), 1),
    ]:
        assert len(shell.run("sessions", "list", *narrowed, "--json").json["sessions"]) == count, narrowed
    assert "there is no one channel 'nope'" in shell.run("sessions", "list", "--channel", "nope").said
    assert shell.run("sessions", "list", "--status", "handoff").out == "No such session.\n"
    assert session in shell.run("sessions", "list").out


def test_a_tenant_need_not_be_named_where_there_is_only_one(deployed):
    assert "there is no tenant yet; `parley tenant create SLUG`" in deployed.run("sessions", "list").said
    deployed.run("tenant", "create", "acme")
    assert deployed.run("sessions", "list").code == 0
    deployed.run("tenant", "create", "beta")
    for command in (("sessions", "list"), ("operator", "list"), ("operator", "add", "x")):
        assert "there are several tenants (acme, beta): name one with --tenant" in deployed.run(*command).said
        assert deployed.run(*command, "--tenant", "acme").code == 0
    assert "there is no tenant 'nobody'" in deployed.run("sessions", "list", "--tenant", "nobody").said


def test_another_tenants_session_is_as_unknown_as_any(acme):
    shell, session = acme
    shell.run("tenant", "create", "beta")
    for action in (("show",), ("take",), ("reply", "x"), ("close",), ("event", "paid")):
        done = shell.run("sessions", action[0], session, *action[1:], "--tenant", "beta")
        assert f"the tenant has no session {session}" in done.said


def test_what_was_stored_does_not_steer_the_terminal(acme):
    shell, session = acme
    assert shell.run("sessions", "reply", session, "\x1b[2Jgone").code == 0
    with shell.started("worker") as worker:
        worker.saw('"event":"turn"')
    shown = shell.run("sessions", "show", session)
    assert "console: [2Jgone" in shown.out
    assert "\x1b" not in shown.out


async def test_a_short_process_leaves_its_wake_up_behind_however_soon_it_ends(
    acme, database, redis_url, monkeypatch
):
    shell, session = acme
    for name, value in shell.environment.items():
        monkeypatch.setenv(name, value)
    parts = external_parts(Settings.load())
    redis = connect(redis_url)
    try:
        for n in range(5):
            await redis.delete("parley:wake:turns")
            roles = Roles(accepts=False, works=False, sweeps=False)
            async with open_runtime(parts, roles, {}) as runtime:
                [tenant] = await runtime.tenants.list_all()
                await runtime.events.send_event(tenant.id, session, "paid", key=f"k{n}")
            hints = await redis.lrange("parley:wake:turns", 0, -1)
            assert {hint.decode() for hint in hints} == {f'["{tenant.id}","{session}"]'}
    finally:
        await redis.aclose()
