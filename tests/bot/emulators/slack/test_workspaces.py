"""Several workspaces, an organisation, Slack Connect and several apps in one emulator."""

from __future__ import annotations

import pytest

from bot.emulators.slack.refusals import Refused


@pytest.fixture
def grid(slack):
    """An organisation with two workspaces, and the app installed in all of it."""
    org = slack.add_enterprise("Initech")
    north, south = slack.add_workspace("North", org), slack.add_workspace("South", org)
    cem, dora = slack.add_person(north, "Cem Can"), slack.add_person(south, "Dora Day")
    slack.add_channel(north, "north", cem)
    slack.add_channel(south, "south", dora)
    return slack.install(slack.app, org)


async def test_two_workspaces_have_their_own_tokens_users_and_events(slack, end, client, client_of, refused):
    other = slack.add_workspace("Globex")
    eve = slack.add_person(other, "Eve Ek")
    installation = slack.install(slack.app, other)
    theirs = client_of(slack.token(installation))
    assert (await theirs.auth_test())["team_id"] == other.id
    eve.writes("Hello")
    await slack.idle()
    payload = end.received[-1].payload
    assert (payload["team_id"], payload["authorizations"][0]["user_id"]) == (
        other.id,
        installation.bot_user_id,
    )
    await theirs.chat_postMessage(channel=eve.dm.id, text="Hi")
    for call, error in (
        (client.chat_postMessage(channel=eve.dm.id, text="x"), "channel_not_found"),
        (client.chat_postMessage(channel=eve.id, text="x"), "channel_not_found"),
        (client.users_info(user=eve.id), "user_not_found"),
        (theirs.conversations_history(channel=slack.general.id), "channel_not_found"),
    ):
        with refused(error):
            await call
    slack.person("Ada").uninstalls()
    assert (await theirs.auth_test())["ok"] is True


async def test_an_app_of_their_own_has_its_own_secret(slack, end, client):
    own = slack.add_app("Helper", app_url=end.url)
    slack.install(own, slack.workspace)
    slack.person("Ada").writes("Hello", slack.general)
    await slack.idle()
    by_app = {each.payload["api_app_id"]: each for each in end.received}
    assert by_app.keys() == {slack.app.id, own.id}
    for app in (slack.app, own):
        assert by_app[app.id].is_signed_with(app.signing_secret)
    assert own.signing_secret != slack.app.signing_secret
    # What one app says, the other hears.
    end.received.clear()
    await client.chat_postMessage(channel=slack.general.id, text="Hi")
    await slack.idle()
    assert {each.event["app_id"] for each in end.received} == {slack.app.id}
    assert {each.payload["api_app_id"] for each in end.received} == {slack.app.id, own.id}


async def test_an_organisation_has_one_installation_without_a_team(slack, end, grid, client_of, refused):
    client = client_of(slack.token(grid))
    answer = await client.auth_test()
    assert answer["is_enterprise_install"] is True
    assert answer["enterprise_id"] == answer["team_id"] == grid.enterprise_id
    cem, dora = slack.person("Cem"), slack.person("Dora")
    for person, workspace in ((cem, "North"), (dora, "South")):
        person.writes("Hello")
        await slack.idle()
        payload = end.received[-1].payload
        assert (payload["team_id"], payload["enterprise_id"]) == (person.user.team_id, grid.enterprise_id)
        assert payload["authorizations"] == [
            {
                "enterprise_id": grid.enterprise_id,
                "team_id": None,
                "user_id": grid.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": True,
            }
        ]
        await client.chat_postMessage(channel=person.id, text="Hi")
        team = (await client.team_info(team=person.user.team_id))["team"]
        assert (team["name"], team["enterprise_name"]) == (workspace, "Initech")
    with refused("team_not_found"):
        await client.team_info()


async def test_interactions_in_an_organisation(slack, end, grid, client_of):
    client = client_of(slack.token(grid))
    cem = slack.person("Cem")
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    await client.chat_postMessage(
        channel=cem.id, text="x", blocks=[{"type": "actions", "elements": [button]}]
    )
    await cem.presses(slack.said()[-1], "go")
    payload = end.received[-1].payload
    assert payload["is_enterprise_install"] is True
    assert payload["enterprise"] == {"id": grid.enterprise_id, "name": "Initech"}
    assert (payload["team"]["id"], payload["team"]["enterprise_id"]) == (
        cem.user.team_id,
        grid.enterprise_id,
    )
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": [{"type": "divider"}]}
    await client.views_open(trigger_id=payload["trigger_id"], view=view)
    await cem.submits()
    payload = end.received[-1].payload
    assert (payload["team"], payload["user"]["team_id"]) == (None, cem.user.team_id)
    await cem.commands()
    form = end.received[-1].payload
    assert (form["is_enterprise_install"], form["enterprise_id"]) == ("true", grid.enterprise_id)


async def test_uninstalling_from_an_organisation_names_no_team(slack, end, grid):
    slack.person("Cem").uninstalls()
    await slack.idle()
    for kind in ("app_uninstalled", "tokens_revoked"):
        payload = end.events(kind)[0].payload
        assert payload["enterprise_id"] == grid.enterprise_id
        assert "team_id" not in payload


async def test_somebody_of_another_workspace_in_a_shared_channel(slack, end, client, refused):
    partner = slack.add_workspace("Partner")
    pia = slack.add_person(partner, "Pia Pop")
    ada = slack.person("Ada")
    shared = slack.add_channel(
        slack.workspace, "with-partner", ada, pia, slack.installation, shared_with=(partner.id,)
    )
    pia.mentions("hello", shared)
    await slack.idle()
    came = end.events("app_mention")[0]
    assert came.payload["is_ext_shared_channel"] is True
    assert came.payload["authorizations"][0]["team_id"] == slack.workspace.id
    assert came.payload["context_team_id"] == slack.workspace.id
    assert (came.event["user_team"], came.event["source_team"]) == (partner.id, partner.id)
    assert came.event["user_profile"]["real_name"] == "Pia Pop"
    file = pia.shares("note.txt", b"x", "", shared).files[0]
    await slack.idle()
    assert end.events("message")[-1].event["files"] == [{"id": file, "file_access": "check_file_info"}]
    assert (await client.files_info(file=file))["file"]["name"] == "note.txt"
    ada.writes("hello", shared)
    await slack.idle()
    assert "user_team" not in end.events("message")[-1].event
    # Whoever presses, `team` is the app's; the modal that follows names the person's own.
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    await client.chat_postMessage(
        channel=shared.id, text="x", blocks=[{"type": "actions", "elements": [button]}]
    )
    await pia.presses(slack.said(shared)[-1], "go")
    payload = end.received[-1].payload
    assert (payload["team"]["id"], payload["user"]["team_id"]) == (slack.workspace.id, partner.id)
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": [{"type": "divider"}]}
    await client.views_open(trigger_id=payload["trigger_id"], view=view)
    await pia.submits()
    payload = end.received[-1].payload
    assert payload["team"]["id"] == partner.id
    assert payload["view"]["app_installed_team_id"] == slack.workspace.id
    stranger = (await client.users_info(user=pia.id))["user"]
    assert (stranger["team_id"], stranger["is_stranger"]) == (partner.id, True)
    with pytest.raises(Refused, match="app_missing"):
        await pia.commands("x", shared)


async def test_an_app_on_the_guests_side_sees_the_hosts_team_in_the_envelope(slack, end):
    host = slack.add_workspace("Host")
    hal = slack.add_person(host, "Hal Ho")
    shared = slack.add_channel(
        host, "hosted", hal, slack.person("Ada"), slack.installation, shared_with=(slack.workspace.id,)
    )
    hal.writes("Hello", shared)
    await slack.idle()
    payload = end.received[-1].payload
    assert (payload["team_id"], payload["context_team_id"]) == (host.id, slack.workspace.id)
    assert payload["authorizations"][0]["team_id"] == slack.workspace.id


async def test_an_app_on_both_sides_is_told_once(slack, end):
    partner = slack.add_workspace("Partner")
    pia = slack.add_person(partner, "Pia Pop")
    theirs = slack.install(slack.app, partner)
    shared = slack.add_channel(
        slack.workspace, "both", pia, slack.installation, theirs, shared_with=(partner.id,)
    )
    pia.writes("Hello", shared)
    await slack.idle()
    assert len(end.received) == 1
