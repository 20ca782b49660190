"""Each recorded payload, and what it means for us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.slack.events import (
    Closed,
    Commanded,
    ContextChanged,
    Deleted,
    Edited,
    HomeOpened,
    Ignored,
    Opened,
    Pressed,
    Rated,
    RateLimited,
    Reacted,
    Said,
    Stopped,
    Submitted,
    TokensRevoked,
    Uninstalled,
    UserChanged,
    Verification,
)
from adapters.slack.parse import parse
from adapters.slack.places import ChannelKind, Place, SharedFile, Viewed

PAYLOADS = Path(__file__).parent / "payloads"
DM, CHANNEL = ChannelKind.DM, ChannelKind.CHANNEL
THREAD = Place("C024BE7LR", CHANNEL, "1766458026.240810")
FILES = "https://files.slack.com/files-pri/T123ABC456-F123ABC456"
CASES: dict[str, tuple[type, dict[str, Any]]] = {
    "message_im": (
        Said,
        {
            "user": "U061F7AUR",
            "place": Place("D024BE91L", DM),
            "ts": "1766458026.240809",
            "text": "What is my balance & limit?",
            "mentions_us": False,
            "files": (),
        },
    ),
    "message_channel_mention": (
        Said,
        {"text": "1", "mentions_us": True, "place": Place("C024BE7LR", CHANNEL)},
    ),
    "app_mention": (Said, {"text": "1", "mentions_us": True, "place": Place("C024BE7LR", CHANNEL)}),
    "message_thread_reply": (
        Said,
        {"mentions_us": False, "place": Place("G024BE7LR", ChannelKind.PRIVATE, "1766458026.240810")},
    ),
    "message_thread_broadcast": (Said, {"is_thread_broadcast": True, "place": THREAD}),
    "message_file_share": (
        Said,
        {
            "text": "Here is my statement (https://example.com/statement)",
            "files": (
                SharedFile(
                    "F123ABC456", "statement.pdf", "application/pdf", 53297, f"{FILES}/download/statement.pdf"
                ),
                SharedFile("F123ABC457", "F123ABC457", "application/octet-stream", None, None),
            ),
        },
    ),
    "message_own": (Ignored, {"reason": "a bot's message"}),
    "message_bot": (Ignored, {"reason": "subtype bot_message"}),
    "message_own_changed": (Ignored, {"reason": "a bot's message"}),
    "message_changed": (
        Edited,
        {"user": "U061F7AUR", "ts": "1766458026.240812", "text": "Hello, world!", "place": THREAD},
    ),
    "message_changed_by_preview": (Ignored, {"reason": "an edit that left the words alone"}),
    "message_tombstone": (Deleted, {"user": "U061F7AUR", "ts": "1766458026.240812"}),
    "message_deleted": (
        Deleted,
        {"user": "U061F7AUR", "ts": "1766458026.240812", "place": Place("D024BE91L", DM)},
    ),
    "message_channel_join": (Ignored, {"reason": "subtype channel_join"}),
    "message_slack_connect": (Said, {"user": "U0FOREIGN1", "user_team": "T0FOREIGN", "text": "hello"}),
    "message_org_wide": (Said, {"user": "W061F7AUR", "user_team": "E480293PS8"}),
    "message_im_viewing": (
        Said,
        {"viewing": (Viewed("message", "C024BE7LR", "T123ABC456", "1771460400.100100"),)},
    ),
    "reaction_added": (
        Reacted,
        {
            "user": "U061F7AUR",
            "channel": "C024BE7LR",
            "ts": "1766458029.244159",
            "reaction": "+1",
            "value": 1,
        },
    ),
    "reaction_removed": (Reacted, {"reaction": "thumbsdown", "value": 0}),
    "assistant_thread_started": (
        Opened,
        {
            "user": "U061F7AUR",
            "place": Place("D123ABC456", DM, "1729999327.187299"),
            "viewing": (Viewed("channel", "C123ABC456", "T07XY8FPJ5C"),),
        },
    ),
    "assistant_thread_context_changed": (
        ContextChanged,
        {"place": Place("D123ABC456", DM, "1729999327.187299")},
    ),
    "app_home_opened_messages": (
        Opened,
        {"user": "U061F7AUR", "place": Place("D024BE91L", DM), "viewing": (Viewed("channel", "C024BE7LR"),)},
    ),
    "app_home_opened_home": (HomeOpened, {"user": "U061F7AUR", "view_id": "VPASKP233"}),
    "app_context_changed": (
        ContextChanged,
        {
            "user": "U061F7AUR",
            "place": None,
            "viewing": (Viewed("channel", "C01234ABDCE", "T0ABCDE6543"), Viewed("canvas", "F01234ABDCE")),
        },
    ),
    "agent_session_stopped": (
        Stopped,
        {"place": Place("D0123ABC456", DM, "1782234671.392669"), "streams": ("1782234987.693923",)},
    ),
    "app_uninstalled": (Uninstalled, {}),
    "tokens_revoked": (TokensRevoked, {"users": ("U061F7AUR",), "bots": ("U0BOT00001",)}),
    "user_change": (UserChanged, {}),
    "url_verification": (
        Verification,
        {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"},
    ),
    "app_rate_limited": (RateLimited, {"minute": 1518467820}),
    "block_actions_button": (
        Pressed,
        {
            "action_id": "choice/0",
            "block_id": "choices",
            "value": "ask:1:current",
            "label": "Current",
            "place": THREAD,
            "message_ts": "1548261231.000200",
            "action_ts": "1548426417.840180",
            "trigger_id": "12981.9083.ab1",
            "response_url": "https://hooks.slack.com/actions/T123ABC456/1/abc",
            "answers": {},
        },
    ),
    "block_actions_select": (
        Pressed,
        {
            "value": "ask:1:savings",
            "label": "Savings",
            "place": Place("D024BE91L", DM),
            "answers": {
                ("choices", "choice/menu"): "ask:1:savings",
                ("when", "day"): "2026-03-01",
                ("when", "who"): ("U1", "U2"),
            },
        },
    ),
    "block_actions_overflow": (Pressed, {"action_id": "more", "value": "delete", "label": "Delete"}),
    "block_actions_feedback": (
        Rated,
        {
            "message_id": "019a2b3c-0000-7000-8000-000000000001",
            "value": -1,
            "message_ts": "1548261231.000200",
            "place": THREAD,
        },
    ),
    "block_actions_link": (Ignored, {"reason": "a link was opened"}),
    "block_actions_ephemeral": (
        Pressed,
        {"place": Place("C024BE7LR", CHANNEL), "message_ts": "1548261232.000200", "label": "No"},
    ),
    "block_actions_view": (
        Pressed,
        {"place": None, "message_ts": None, "view_id": "VPASKP233", "answers": {("a", "b"): "typed"}},
    ),
    "view_submission": (
        Submitted,
        {
            "user": "U061F7AUR",
            "view_id": "VNHU13V36",
            "callback_id": "details",
            "version": "156663117.cd33ad1f",
            "private": "shh",
            "answers": {
                ("multi-line", "ml-value"): "This is my example inputted value",
                ("colours", "pick"): ("red", "blue"),
                ("at", "t"): "1628633820",
            },
        },
    ),
    "view_closed": (Closed, {"user": "U061F7AUR", "view_id": "VNHU13V36", "callback_id": "details"}),
    "slash_command": (
        Commanded,
        {
            "user": "U061F7AUR",
            "command": "/weather",
            "text": "94070 & more",
            "place": Place("C2147483705", CHANNEL),
            "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_payload_means(name: str, payload) -> None:
    kind, fields = CASES[name]
    event = parse(payload(name))
    assert type(event) is kind, event
    assert {field: getattr(event, field) for field in fields} == fields


def test_every_recorded_payload_is_tested() -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} == set(CASES)


def test_the_origin_is_the_installation_that_the_event_is_authorized_for(payload) -> None:
    connect = parse(payload("message_slack_connect")).origin
    assert (connect.team_id, connect.bot_user_id, connect.is_shared) == ("T123ABC456", "U0BOT00001", True)
    assert connect.event_id == "Ev00000015"
    org = parse(payload("message_org_wide")).origin
    assert (org.team_id, org.enterprise_id) == ("T5", "E480293PS8")
    assert parse(payload("block_actions_button")).origin.is_shared is None


def test_a_changed_user_is_known_by_name_zone_and_locale(payload) -> None:
    person = parse(payload("user_change")).person
    assert (person.id, person.name, person.tz, person.locale) == (
        "U061F7AUR",
        "ada",
        "Europe/London",
        "en-GB",
    )


def test_names_are_put_in_for_mentions(payload) -> None:
    given = payload("message_im")
    given["event"]["text"] = "ask <@U5> please"
    assert parse(given, names={"U5": "Eve"}).text == "ask @Eve please"


def test_the_installations_bot_is_used_where_the_payload_names_none(payload) -> None:
    given = payload("message_channel_mention")
    del given["authorizations"]
    assert not parse(given).mentions_us
    assert parse(given, bot_user_id="U0BOT00001").mentions_us
    given["event"]["user"] = "U0BOT00001"
    assert parse(given, bot_user_id="U0BOT00001") == Ignored(
        parse(given, bot_user_id="U0BOT00001").origin, "our own message"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bot_id": "B1"}, "a bot's message"),
        ({"bot_profile": {"id": "B1"}}, "a bot's message"),
        ({"user": "USLACKBOT"}, "Slack's own message"),
        ({"user": "USLACK"}, "Slack's own message"),
        ({"user": "U0BOT00001"}, "our own message"),
        ({"subtype": "me_message"}, "subtype me_message"),
        ({"subtype": ["x"]}, "subtype ['x']"),
        ({"user": None}, "a message without user, channel or ts"),
        ({"channel": "C1/2"}, "a message without user, channel or ts"),
        ({"ts": "now"}, "a message without user, channel or ts"),
        ({"ts": "1.1/../x"}, "a message without user, channel or ts"),
        ({"ts": "١.٢"}, "a message without user, channel or ts"),
    ],
)
def test_a_message_that_no_person_said_is_ignored(change: dict[str, Any], reason: str, payload) -> None:
    given = payload("message_im")
    given["event"] |= change
    event = parse(given)
    assert isinstance(event, Ignored)
    assert (event.reason, event.origin.event_id) == (reason, "Ev00000001")


def test_a_message_of_ours_that_is_gone_is_no_persons(payload) -> None:
    for name in ("message_tombstone", "message_deleted"):
        given = payload(name)
        given["event"]["previous_message"] |= {"bot_id": "B1"}
        assert parse(given).reason == "a bot's message"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"reaction": "eyes"}, "a reaction that is no feedback"),
        ({"item_user": "U2"}, "a reaction to another's message"),
        ({"item_user": None}, "a reaction to another's message"),
        ({"user": "U0BOT00001"}, "our own reaction"),
        ({"item": {"type": "file", "file": "F1"}}, "a reaction to no message"),
    ],
)
def test_a_reaction_that_says_nothing_of_our_answer_is_ignored(change, reason: str, payload) -> None:
    given = payload("reaction_added")
    given["event"] |= change
    assert parse(given).reason == reason


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com/x",
        "https://files.slack.com.evil.example/x",
        "https://evilslack.com/x",
        "https://slack.com@evil.example/x",
        "https://user:pw@files.slack.com/x",
        "https://evil.example\\.slack.com/x",
        "https://files.slack.com:8443/x",
        "https://files.slack.com\\@evil.example/x",
        "https://[/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_file_is_only_fetched_from_slack(url: str, payload) -> None:
    given = payload("message_file_share")
    given["event"]["files"] = [{"id": "F1", "name": "x", "url_private": url}]
    assert parse(given).files[0].url is None


def test_a_deletion_and_an_edit_are_in_their_messages_thread(payload) -> None:
    given = payload("message_deleted")
    given["event"]["previous_message"]["thread_ts"] = "1766458026.000001"
    assert parse(given).place == Place("D024BE91L", DM, "1766458026.000001")


def test_a_context_is_the_persons_and_never_the_bots(payload) -> None:
    given = payload("app_context_changed")
    given["authorizations"].insert(0, {"team_id": "T123ABC456", "user_id": "U0BOT00001", "is_bot": True})
    assert parse(given).user == "U061F7AUR"
    given["authorizations"].pop()
    assert parse(given).reason == "a context of nobody"


@pytest.mark.parametrize("told_by", ["message", "container"])
def test_a_press_is_placed_by_the_message_or_by_what_contains_it(told_by: str, payload) -> None:
    given = payload("block_actions_button")
    del given["container" if told_by == "message" else "message"]
    pressed = parse(given)
    assert (pressed.place, pressed.message_ts) == (THREAD, "1548261231.000200")


def test_what_cannot_be_stored_is_cleaned_also_in_labels_and_values(payload) -> None:
    given = payload("block_actions_button")
    given["actions"][0] |= {"value": "a\x00b\ud800", "text": {"text": "\x00\udfff"}}
    pressed = parse(given)
    assert (pressed.value, pressed.label) == ("ab?", "?")


def test_what_is_not_known_is_ignored_by_name() -> None:
    assert parse({"type": "event_callback", "event": {"type": "pin_added"}}).reason == "event pin_added"
    assert parse({"type": "event_callback", "event": None}).reason == "event without a type"
    assert parse({"type": "shortcut"}).reason == "payload shortcut"
    assert parse({}).reason == "payload without a type"


def test_the_secrets_in_a_payload_are_not_shown(payload) -> None:
    for name in ("block_actions_button", "slash_command"):
        assert "hooks.slack.com" not in repr(parse(payload(name)))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), ANY_JSON))
def test_no_object_raises(document: dict) -> None:
    assert isinstance(parse(document), Ignored | Verification | Commanded | RateLimited)


def _places(document: Any, path: tuple = ()) -> list[tuple]:
    inner = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


@given(st.data())
@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_recorded_payload_raises_with_anything_of_it_replaced(payload, data: st.DataObject) -> None:
    document = payload(data.draw(st.sampled_from(sorted(CASES))))
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from([place for place in _places(document) if place]))
        parent = document
        for key in path:
            parent = parent[key]
        parent[last] = data.draw(ANY_JSON)
    parse(document)
