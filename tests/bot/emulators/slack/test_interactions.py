"""Buttons, menus, feedback, commands, and what an app answers to them."""

from __future__ import annotations

import aiohttp
import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.emulators.slack.refusals import Refused


def text(said):
    return {"type": "plain_text", "text": said}


OPTIONS = [{"text": text(name.title()), "value": name} for name in ("savings", "current")]
SAY = {"type": "feedback_buttons", "action_id": "rate"}
SAY |= {"positive_button": {"text": text("Good"), "value": "good"}}
SAY |= {"negative_button": {"text": text("Bad"), "value": "bad"}}
BLOCKS = [
    {
        "type": "actions",
        "block_id": "b1",
        "elements": [
            {"type": "button", "text": text("Pay"), "action_id": "pay", "value": "7"},
            {"type": "static_select", "action_id": "account", "options": OPTIONS},
            {"type": "overflow", "action_id": "more", "options": OPTIONS},
            {
                "type": "multi_static_select",
                "action_id": "several",
                "option_groups": [{"label": text("x"), "options": OPTIONS}],
            },
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-01-01"},
        ],
    },
    {"type": "context_actions", "block_id": "b2", "elements": [SAY]},
]


@pytest.fixture
async def message(slack, client, ada):
    asked = ada.writes("Pay", slack.general)
    await client.chat_postMessage(channel=slack.general.id, thread_ts=asked.ts, text="Pay?", blocks=BLOCKS)
    await slack.idle()
    return slack.said()[0]


async def test_a_button_is_told_with_its_message_and_place(slack, end, ada, message):
    answer = await ada.presses(message, "pay")
    assert answer.is_ok
    came = end.received[-1]
    assert came.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert came.is_signed_with(slack.app.signing_secret)
    payload = came.payload
    assert (payload["type"], payload["api_app_id"]) == ("block_actions", slack.app.id)
    assert payload["user"] == {
        "id": ada.id,
        "username": "ada-lovelace",
        "name": "ada-lovelace",
        "team_id": slack.workspace.id,
    }
    assert (payload["team"], payload["enterprise"]) == ({"id": slack.workspace.id, "domain": "acme"}, None)
    assert payload["channel"] == {"id": slack.general.id, "name": "general"}
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": slack.general.id,
        "is_ephemeral": False,
        "thread_ts": message.thread_ts,
    }
    assert payload["message"]["ts"] == message.ts
    action = payload["actions"][0]
    assert action.pop("action_ts") > message.ts
    assert action == {
        "type": "button",
        "action_id": "pay",
        "block_id": "b1",
        "text": text("Pay"),
        "value": "7",
    }
    assert payload["response_url"].startswith(slack.url)
    assert payload["trigger_id"].count(".") == 2


@pytest.mark.parametrize(
    ("named", "choice", "told"),
    [
        ("account", "savings", {"selected_option": OPTIONS[0]}),
        ("account", "Current", {"selected_option": OPTIONS[1]}),
        ("more", "current", {"selected_option": OPTIONS[1]}),
        ("several", ["savings", "current"], {"selected_options": OPTIONS}),
        ("day", "2026-05-17", {"selected_date": "2026-05-17"}),
    ],
)
async def test_a_choice_is_told_as_what_was_chosen(slack, end, ada, message, named, choice, told):
    await ada.chooses(message, named, choice)
    payload = end.received[-1].payload
    assert told.items() <= payload["actions"][0].items()
    if named != "more":
        kept = payload["state"]["values"]["b1"][named]
        assert kept == {"type": payload["actions"][0]["type"], **told}


async def test_the_state_has_what_was_chosen_before(slack, end, ada, message):
    await ada.presses(message, "Pay", chosen={"account": "savings"})
    values = end.received[-1].payload["state"]["values"]["b1"]
    assert values["account"]["selected_option"]["value"] == "savings"
    assert values["day"]["selected_date"] == "2026-01-01"
    assert values["several"]["selected_options"] == []


@pytest.mark.parametrize(("good", "value"), [(True, "good"), (False, "bad")])
async def test_feedback_is_told(slack, end, ada, message, good, value):
    await ada.rates(message, good=good)
    action = end.received[-1].payload["actions"][0]
    assert (action["type"], action["action_id"], action["value"]) == ("feedback_buttons", "rate", value)


async def test_what_is_not_there_is_not_pressed(slack, client, ada, message):
    with pytest.raises(Refused, match="no_such_element"):
        await ada.presses(message, "nothing")
    with pytest.raises(Refused, match="no_such_option"):
        await ada.chooses(message, "account", "nothing")
    plain = ada.writes("x")
    with pytest.raises(Refused, match="app_missing"):
        await ada.presses(plain, "pay")
    await client.chat_postMessage(channel=ada.dm.id, text="x")
    with pytest.raises(Refused, match="no_such_element"):
        await ada.rates(slack.said()[-1], good=True)
    await client.chat_postEphemeral(channel=slack.general.id, user=ada.id, text="x", blocks=BLOCKS)
    whisper = slack.messages[-1]
    with pytest.raises(Refused, match="message_not_found"):
        await slack.person("Ben").presses(whisper, "pay")


async def test_a_response_url_replaces_answers_and_deletes(slack, end, ada, message):
    await ada.presses(message, "pay")
    webhook = AsyncWebhookClient(end.received[-1].payload["response_url"])
    await webhook.send(text="Only for you")
    whisper = slack.messages[-1]
    assert (whisper.text, whisper.ephemeral_to, whisper.bot_id) == (
        "Only for you",
        ada.id,
        slack.installation.bot_id,
    )
    await webhook.send(text="For all", response_type="in_channel")
    assert (slack.messages[-1].text, slack.messages[-1].ephemeral_to) == ("For all", None)
    await webhook.send(text="Paid", replace_original=True)
    replaced = slack.platform.transcript.get(message.channel, message.ts)
    assert (replaced.text, replaced.blocks) == ("Paid", ())
    wrong = await webhook.send(text="x", blocks=[{"type": "nonsense"}])
    assert (wrong.status_code, "invalid_blocks" in wrong.body) == (400, True)
    empty = await webhook.send(text="")
    assert (empty.status_code, "no_text" in empty.body) == (400, True)
    await webhook.send(delete_original=True)
    assert message.ts not in [each.ts for each in slack.messages]


async def test_a_response_url_ends_after_five_uses_or_half_an_hour(slack, end, ada, message, seconds):
    await ada.presses(message, "pay")
    webhook = AsyncWebhookClient(end.received[-1].payload["response_url"])
    answers = [await webhook.send(text=str(n)) for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body
    await ada.presses(message, "pay")
    webhook = AsyncWebhookClient(end.received[-1].payload["response_url"])
    seconds.move(1800)
    assert (await webhook.send(text="x")).status_code == 200
    seconds.move(1)
    answer = await webhook.send(text="x")
    assert (answer.status_code, "expired_url" in answer.body) == (404, True)
    nowhere = f"{slack.url}/response/actions/T/nonsense"
    async with aiohttp.ClientSession() as http, http.post(nowhere, json={}) as unknown:
        assert unknown.status == 404


@pytest.mark.parametrize("body", ["{", "[]"])
async def test_a_response_url_takes_only_an_object(slack, end, ada, message, body):
    await ada.presses(message, "pay")
    url = end.received[-1].payload["response_url"]
    async with aiohttp.ClientSession() as http, http.post(url, data=body) as answer:
        assert answer.status == 400


async def test_an_ephemeral_message_is_replaced_too(slack, end, client, ada):
    await client.chat_postEphemeral(channel=slack.general.id, user=ada.id, text="x", blocks=BLOCKS)
    await ada.presses(slack.messages[-1], "pay")
    payload = end.received[-1].payload
    assert payload["container"]["is_ephemeral"] is True
    await AsyncWebhookClient(payload["response_url"]).send(text="Paid", replace_original=True)
    assert (slack.messages[-1].text, slack.messages[-1].ephemeral_to) == ("Paid", ada.id)


async def test_a_command_is_told_as_a_form(slack, end, ada):
    await ada.commands("balance please", slack.general)
    form = end.received[-1].payload
    assert end.received[-1].is_signed_with(slack.app.signing_secret)
    told = {
        "team_id": slack.workspace.id,
        "team_domain": "acme",
        "channel_id": slack.general.id,
        "channel_name": "general",
        "user_id": ada.id,
        "user_name": "ada-lovelace",
        "command": "/parley",
        "text": "balance please",
        "api_app_id": slack.app.id,
        "is_enterprise_install": "false",
    }
    assert told.items() <= form.items()
    assert form["trigger_id"]
    await AsyncWebhookClient(form["response_url"]).send(text="Later")
    assert slack.messages[-1].text == "Later"
    await ada.commands()
    assert end.received[-1].payload["channel_name"] == "directmessage"


async def test_a_commands_people_and_channels_are_ids_where_the_app_wants_it(slack, end, ada, ben):
    await ada.commands("tell @ben-okri in #general and @nobody")
    said = f"tell <@{ben.id}|ben-okri> in <#{slack.general.id}|general> and @nobody"
    assert end.received[-1].payload["text"] == said
    slack.configure(escapes_commands=False)
    await ada.commands("tell @ben-okri")
    assert end.received[-1].payload["text"] == "tell @ben-okri"


async def test_what_the_app_answers_to_a_command_is_said(slack, end, ada):
    end.answers.append({"text": "For you"})
    await ada.commands("x", slack.general)
    assert (slack.messages[-1].text, slack.messages[-1].ephemeral_to) == ("For you", ada.id)
    end.answers.append({"text": "For all", "response_type": "in_channel"})
    await ada.commands("x", slack.general)
    assert (slack.messages[-1].text, slack.messages[-1].ephemeral_to) == ("For all", None)
    before = len(slack.messages)
    await ada.commands("x", slack.general)
    assert len(slack.messages) == before
    with pytest.raises(Refused, match="invalid_command"):
        await ada.commands("x", command="/other")
