"""Modals and the Home tab."""

from __future__ import annotations

import pytest

from bot.emulators.slack.refusals import Refused


def text(said):
    return {"type": "plain_text", "text": said}


def modal(**more):
    blocks = [
        {
            "type": "input",
            "block_id": "amount",
            "label": text("Amount"),
            "element": {"type": "plain_text_input", "action_id": "value"},
        },
        {"type": "actions", "elements": [{"type": "button", "text": text("Help"), "action_id": "help"}]},
    ]
    view = {"type": "modal", "title": text("Transfer"), "submit": text("Send"), "blocks": blocks}
    return {**view, "callback_id": "transfer", "private_metadata": "secret", **more}


@pytest.fixture
async def trigger(slack, end, ada):
    """A trigger that is not used."""
    await ada.commands("transfer")
    return end.received[-1].payload["trigger_id"]


@pytest.fixture
async def view(client, trigger):
    return (await client.views_open(trigger_id=trigger, view=modal()))["view"]


async def test_a_modal_is_submitted_and_closes(slack, end, ada, view):
    assert ada.view.id == view["id"]
    assert (view["callback_id"], view["private_metadata"]) == ("transfer", "secret")
    answer = await ada.submits({"value": "100"})
    assert answer.is_ok
    payload = end.received[-1].payload
    assert (payload["type"], payload["user"]["id"]) == ("view_submission", ada.id)
    assert payload["team"]["id"] == payload["view"]["app_installed_team_id"] == slack.workspace.id
    assert payload["view"]["state"]["values"] == {
        "amount": {"value": {"type": "plain_text_input", "value": "100"}}
    }
    assert (payload["view"]["private_metadata"], payload["response_urls"]) == ("secret", [])
    assert ada.view is None


async def test_errors_keep_it_open(slack, end, ada, view):
    end.answers.append({"response_action": "errors", "errors": {"amount": "Too much"}})
    answer = await ada.submits({"amount": "100"})
    assert answer.body["errors"] == {"amount": "Too much"}
    assert ada.view.values["amount"]["value"]["value"] == "100"


async def test_an_answer_may_show_another_view(slack, end, ada, view):
    end.answers.append({"response_action": "update", "view": modal(title=text("Sure?"))})
    await ada.submits({"value": "1"})
    assert (ada.view.id, ada.view.body["title"]["text"]) == (view["id"], "Sure?")
    end.answers.append({"response_action": "push", "view": modal(title=text("Really?"))})
    await ada.submits({"value": "1"})
    assert (ada.view.previous_id, ada.view.root_id) == (view["id"], view["id"])
    end.answers.append({"response_action": "clear"})
    await ada.submits({"value": "1"})
    assert ada.view is None


async def test_a_failed_submission_leaves_it_open(slack, end, ada, view):
    end.answers.append(500)
    assert (await ada.submits({"value": "1"})).failure == "http_error"
    assert ada.view is not None
    end.answers.append({"response_action": "odd"})
    with pytest.raises(Refused, match="invalid_response_action"):
        await ada.submits({"value": "1"})


async def test_closing_is_told_only_if_wanted(slack, end, client, ada, view):
    before = len(end.received)
    await ada.closes()
    assert len(end.received) == before
    await ada.commands()
    trigger_id = end.received[-1].payload["trigger_id"]
    await client.views_open(trigger_id=trigger_id, view=modal(notify_on_close=True))
    await ada.closes()
    payload = end.received[-1].payload
    assert (payload["type"], payload["is_cleared"]) == ("view_closed", False)
    with pytest.raises(Refused, match="not_found"):
        await ada.closes()


async def test_a_trigger_opens_one_view_within_three_seconds(
    slack, end, client, ada, seconds, trigger, refused
):
    with refused("invalid_trigger_id"):
        await client.views_open(trigger_id="1.2.x", view=modal())
    await client.views_open(trigger_id=trigger, view=modal())
    with refused("exchanged_trigger_id"):
        await client.views_open(trigger_id=trigger, view=modal())
    await ada.commands()
    late = end.received[-1].payload["trigger_id"]
    seconds.move(3.1)
    with refused("expired_trigger_id"):
        await client.views_open(trigger_id=late, view=modal())


async def test_views_are_updated_by_id_or_name_unless_they_have_changed(client, ada, view, refused):
    answer = await client.views_update(
        view_id=view["id"], hash=view["hash"], view=modal(external_id="mine", title=text("Two"))
    )
    assert answer["view"]["hash"] != view["hash"]
    with refused("hash_conflict"):
        await client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    await client.views_update(external_id="mine", view=modal(title=text("Three")))
    assert ada.view.body["title"]["text"] == "Three"
    with refused("not_found"):
        await client.views_update(view_id="V0NOWHERE", view=modal())


async def test_three_views_lie_on_each_other(slack, end, client, ada, view, refused):
    async def trigger():
        await ada.presses_in_view("help")
        payload = end.received[-1].payload
        assert (payload["container"]["type"], payload["view"]["id"]) == ("view", ada.view.id)
        return payload["trigger_id"]

    for _ in range(2):
        await client.views_push(trigger_id=await trigger(), view=modal())
    with refused("push_limit_reached"):
        await client.views_push(trigger_id=await trigger(), view=modal())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"type": "odd"}, "/view/type"),
        ({"title": None}, "/view/title"),
        ({"title": text("x" * 25)}, "/view/title"),
        ({"submit": text("x" * 25)}, "/view/submit"),
        ({"submit": None}, "missing required field: submit"),
        ({"blocks": None}, "missing required field: blocks"),
        ({"blocks": [{"type": "divider"}] * 101}, "no more than 100"),
        ({"blocks": [{"type": "markdown", "text": "x"}]}, "unsupported block"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"callback_id": "x" * 256}, "/view/callback_id"),
    ],
)
async def test_a_view_that_is_none_is_refused(client, trigger, refused, wrong, said):
    with refused("invalid_arguments") as refusal:
        await client.views_open(trigger_id=trigger, view=modal(**wrong))
    assert any(said in each for each in refusal.response["response_metadata"]["messages"])


async def test_a_home_tab_is_published_and_used(slack, end, client, ada, refused):
    button = {"type": "button", "text": text("Go"), "action_id": "go"}
    home = {"type": "home", "blocks": [{"type": "actions", "elements": [button]}]}
    answer = await client.views_publish(user_id=ada.id, view=home)
    ada.opens_home()
    await slack.idle()
    opened = end.events("app_home_opened")[0].event
    assert (opened["tab"], opened["view"]["id"]) == ("home", answer["view"]["id"])
    await ada.presses_in_view("go", home=True)
    assert end.received[-1].payload["view"]["type"] == "home"
    again = await client.views_publish(user_id=ada.id, view=home, hash=answer["view"]["hash"])
    assert again["view"]["id"] == answer["view"]["id"]
    with refused("hash_conflict"):
        await client.views_publish(user_id=ada.id, view=home, hash=answer["view"]["hash"])
    with refused("user_not_found"):
        await client.views_publish(user_id="U0NOBODY", view=home)
    with refused("invalid_arguments"):
        await client.views_publish(user_id=ada.id, view=modal())


async def test_a_choice_in_a_modal_is_kept(slack, end, client, ada, trigger):
    select = {
        "type": "static_select",
        "action_id": "which",
        "options": [{"text": text("A"), "value": "a"}],
    }
    blocks = [{"type": "section", "block_id": "s", "text": text("Which?"), "accessory": select}]
    await client.views_open(trigger_id=trigger, view=modal(blocks=blocks))
    await ada.presses_in_view("which", "a")
    view = end.received[-1].payload["view"]
    assert view["state"]["values"]["s"]["which"]["selected_option"]["value"] == "a"
