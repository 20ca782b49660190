"""The benchmark's events for Slack, and what counts them, without Postgres: `make bench` runs the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.slack.events import Said
from adapters.slack.inbound import dedupe_keys
from adapters.slack.parse import parse
from adapters.slack.places import ChannelKind
from adapters.slack.verify import account_in, document_of, signature_fits
from benchmarks.bolt_echo import build
from benchmarks.errors import Unexpected
from benchmarks.slack import check_rows
from benchmarks.slack_emulator import furnished, said
from benchmarks.slack_events import QUESTION, Workspace, event, signed, stamp
from benchmarks.slack_figures import BOLT, COLUMNS, PARLEY, Tally, loads_table, verdicts
from benchmarks.slack_load import SlackLoad
from bot.emulators.slack.server import SlackEmulator
from bot.server import serving


@pytest.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator() as slack:
        yield slack


@pytest.fixture
def workspace(slack: SlackEmulator) -> Workspace:
    return furnished(slack, 3)


async def echoed(slack: SlackEmulator, messages: int) -> None:
    """Wait until Slack has as many echoes."""
    enough = asyncio.Event()

    def look() -> None:
        if said(slack, QUESTION) >= messages:
            enough.set()

    slack.platform.watch(look)
    look()
    async with asyncio.timeout(10):
        await enough.wait()


def test_events_are_signed_direct_messages_of_many_people_and_no_two_are_the_same(
    workspace: Workspace,
) -> None:
    keys: set[str] = set()
    people = set()
    now = int(time.time())
    for number in range(6):
        body = event(workspace, number)
        headers = dict(line.split(": ") for line in signed(workspace, body, now).decode().splitlines())
        timestamp, signature = headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"]
        assert signature_fits([workspace.signing_secret], [timestamp], [signature], body, now)
        document = document_of(headers["Content-Type"], body)
        assert document is not None
        account = account_in(document)
        assert account is not None
        assert account.keys == (f"{workspace.app_id}/{workspace.team_id}",)
        heard = parse(document, bot_user_id=workspace.bot_user_id)
        assert isinstance(heard, Said)
        assert (heard.place.kind, heard.text) == (ChannelKind.DM, QUESTION)
        people.add((heard.user, heard.place.channel))
        keys.update(dedupe_keys(heard))
    assert people == set(workspace.people)
    assert len(keys) == 12


def test_a_workspace_is_read_as_it_was_written(workspace: Workspace) -> None:
    assert Workspace.read(workspace.written()) == workspace


@pytest.mark.parametrize("order", [{"clients": 2, "events": 6}, {"rate": 100, "seconds": 0.06}])
async def test_the_plain_bolt_app_acknowledges_every_event_and_echoes_it(
    slack: SlackEmulator, workspace: Workspace, order: dict[str, float]
) -> None:
    async with serving(build(workspace), "127.0.0.1", 0) as port:
        result = await SlackLoad(workspace).carry_out({"port": port, "first": 0, **order})
        assert (result["sent"], len(result["ms"])) == (6, 6)
        await echoed(slack, 6)
    assert {message.channel for message in slack.said()} == {room for _, room in workspace.people}


async def test_an_event_that_is_refused_ends_the_load(slack: SlackEmulator, workspace: Workspace) -> None:
    stranger = replace(workspace, signing_secret="somebody else's")
    async with serving(build(workspace), "127.0.0.1", 0) as port:
        with pytest.raises(Unexpected, match="401"):
            await SlackLoad(stranger).carry_out({"port": port, "first": 0, "clients": 2, "events": 4})


def test_an_event_without_a_row_is_found(workspace: Workspace) -> None:
    with pytest.raises(Unexpected, match="1 of 3 acknowledged events are no rows"):
        check_rows(workspace, 3, [stamp(workspace, 0), stamp(workspace, 2)])


def test_an_event_with_two_rows_is_found(workspace: Workspace) -> None:
    rows = [stamp(workspace, number) for number in (0, 1, 1)]
    with pytest.raises(Unexpected, match="1 rows too many for 2 events"):
        check_rows(workspace, 2, rows)


def test_each_event_as_a_row_is_as_it_should_be(workspace: Workspace) -> None:
    check_rows(workspace, 2, [stamp(workspace, 1), stamp(workspace, 0)])


def test_the_slowest_acknowledgement_of_all_rounds_is_judged() -> None:
    tallies = {("50 a second", name): Tally() for name in (PARLEY, BOLT)}
    for ms in ([2.0, 4.0], [2.0, 2_600.0]):
        tallies["50 a second", PARLEY].add(ms, 1.0, 0.004, 0.002)
        tallies["50 a second", BOLT].add([1.0, 2.0], 1.0, 0.002, 0.0)
    [verdict] = verdicts(tallies)
    assert (verdict.figure, verdict.met) == ("2600 ms", False)
    ours, bolt = loads_table(tallies, 2).rows
    assert len(ours) == len(COLUMNS)
    assert ours[:5] == ("50 a second", PARLEY, 2.0, "1.00 ×", 1_302.0)
    assert (ours[-3:], bolt[-1]) == ((2_600.0, 2.0, 1.0), None)
