from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import orjson
import pytest

from adapters.slack.inbound import addressed, dedupe_keys, external_id, thread_key, to_inbound
from adapters.slack.marks import choice_value, is_digest, payload_of, rating, read_rating
from adapters.slack.parse import parse
from adapters.slack.places import ChannelKind, Origin, Person, Place
from storage.records import Channel, EntryKind

TENANT, ID = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("place", "ts", "key"),
    [
        (Place("D1", ChannelKind.DM), "1.1", "D1"),
        (Place("D1", ChannelKind.DM, "1.0"), "1.1", "D1:1.0"),
        (Place("C1", ChannelKind.CHANNEL), "1.1", "C1:1.1"),
        (Place("C1", ChannelKind.CHANNEL, "1.0"), "1.1", "C1:1.0"),
        (Place("C1", ChannelKind.CHANNEL, "1.1"), "1.1", "C1:1.1"),
        (Place("G1", ChannelKind.GROUP_DM), "1.1", "G1:1.1"),
        (Place("C1", ChannelKind.CHANNEL), None, "C1"),
    ],
)
def test_a_session_is_a_direct_message_or_a_thread(place: Place, ts: str | None, key: str) -> None:
    assert thread_key(place, ts) == key


def test_one_mention_that_arrives_twice_is_one_message(payload) -> None:
    first = dedupe_keys(parse(payload("message_channel_mention")))
    second = dedupe_keys(parse(payload("app_mention")))
    assert first == ("event/Ev00000002", "message/C024BE7LR/1766458026.240810")
    assert second == ("event/Ev00000003", "message/C024BE7LR/1766458026.240810")


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("message_bot", ("event/Ev00000008",)),
        ("message_changed", ("event/Ev00000010",)),
        ("reaction_added", ("event/Ev00000018",)),
        ("block_actions_button", ("action/12981.9083.ab1", "action/1548261231.000200/1548426417.840180")),
        ("block_actions_feedback", ("action/12984.9083.ab4", "action/1548261231.000200/1548426420.840180")),
        ("block_actions_view", ("action/12987.9083.ab7",)),
        ("view_submission", ("view/VNHU13V36/156663117.cd33ad1f",)),
        ("slash_command", ("command/13345224609.738474920.8088930838d88f008e0",)),
        ("url_verification", ()),
    ],
)
def test_a_repeat_is_known_by(name: str, keys: tuple[str, ...], payload) -> None:
    assert dedupe_keys(parse(payload(name))) == keys


@pytest.mark.parametrize(
    ("name", "engaged", "for_us"),
    [
        ("message_im", False, True),
        ("app_mention", False, True),
        ("message_channel_mention", False, True),
        ("message_thread_reply", True, True),
        ("message_thread_reply", False, False),
    ],
)
def test_a_message_is_for_us_when(name: str, engaged: bool, for_us: bool, payload) -> None:
    assert addressed(parse(payload(name)), engaged) is for_us


def test_a_message_beside_an_engaged_thread_is_not_for_us(payload) -> None:
    said = parse(payload("message_channel_mention"))
    assert not addressed(replace(said, mentions_us=False), engaged=True)


def test_a_message_becomes_an_inbound(payload, channel: Channel) -> None:
    inbound = to_inbound(parse(payload("message_thread_reply")), channel)
    assert inbound.channel is channel
    assert inbound.user.external_id == "U061F7AUR"
    assert inbound.kind is EntryKind.MESSAGE
    assert inbound.content == "and the savings account?"
    assert inbound.thread_key == "G024BE7LR:1766458026.240810"
    assert inbound.external_message_id == "1766458031.859009"
    assert inbound.dedupe_keys == ("event/Ev00000004", "message/G024BE7LR/1766458031.859009")


def test_a_press_becomes_an_action_in_its_messages_thread(payload, channel: Channel) -> None:
    inbound = to_inbound(parse(payload("block_actions_button")), channel)
    assert (inbound.kind, inbound.payload, inbound.content) == (EntryKind.ACTION, "ask:1:current", "Current")
    assert inbound.thread_key == "C024BE7LR:1766458026.240810"
    menu = to_inbound(parse(payload("block_actions_select")), channel)
    assert (menu.thread_key, menu.payload, menu.content) == ("D024BE91L", "ask:1:savings", "Savings")


def test_a_command_is_what_is_said_after_the_bots_own_and_all_of_any_other(payload, channel: Channel) -> None:
    command = parse(payload("slash_command"))
    assert to_inbound(command, channel).content == "/weather 94070 & more"
    assert to_inbound(replace(command, text=""), channel).content == "/weather"
    assert to_inbound(replace(command, command="/parley"), channel).content == "94070 & more"
    assert to_inbound(replace(command, command="/parley", text=""), channel).content == "/parley"


def test_a_press_in_a_view_is_no_conversation(payload, channel: Channel) -> None:
    with pytest.raises(ValueError, match="in a view"):
        to_inbound(parse(payload("block_actions_view")), channel)


def test_what_cannot_be_told_from_its_repeat_is_not_accepted(payload, channel: Channel) -> None:
    command = parse(payload("slash_command"))
    with pytest.raises(ValueError, match="repeat"):
        to_inbound(replace(command, trigger_id=None), channel)


def test_what_is_known_of_a_person_goes_along(payload, channel: Channel) -> None:
    said = parse(payload("message_im"))
    known = to_inbound(said, channel, Person("U061F7AUR", name="Ada", tz="Europe/London", locale="en-GB"))
    assert known.user.locale == "en-GB"
    assert known.user.profile == {"name": "Ada", "tz": "Europe/London"}
    assert to_inbound(said, channel).user.profile == {}
    foreign = to_inbound(parse(payload("message_slack_connect")), channel)
    assert foreign.user.profile == {"name": "Grace"}


def test_nothing_is_kept_of_a_payload_that_opens_doors(payload, channel: Channel) -> None:
    for name in ("message_file_share", "block_actions_button", "slash_command", "message_slack_connect"):
        kept = orjson.dumps(to_inbound(parse(payload(name)), channel).raw_payload).decode()
        assert "hooks.slack.com" not in kept
        assert "token" not in kept
        assert "balance" not in kept
    kept = to_inbound(parse(payload("message_file_share")), channel).raw_payload
    assert kept["files"] == ["F123ABC456", "F123ABC457"]


@pytest.mark.parametrize(
    ("account", "team", "origin", "found"),
    [
        ("A/T1", "T1", Origin(is_shared=False, team_id="T1"), "U1"),
        ("A/T1", None, Origin(is_shared=True, team_id="T1"), "U1"),
        ("A/T1", "T2", Origin(is_shared=True, team_id="T1"), "T2/U1"),
        ("A/T1", "T1", Origin(is_shared=True, team_id="T1"), "U1"),
        ("A/E1", "E1", Origin(is_shared=True, team_id="T5", enterprise_id="E1"), "U1"),
        ("A/E1", "T5", Origin(is_shared=True, team_id="T5", enterprise_id="E1"), "U1"),
        ("A/E1", "E2", Origin(is_shared=True, team_id="T5", enterprise_id="E1"), "E2/U1"),
        ("A/E1", "T7", Origin(is_shared=False, team_id="T5", enterprise_id="E1"), "U1"),
        # Interactions, which do not say whether the channel is shared.
        ("A/T1", "T1", Origin(team_id="T1"), "U1"),
        ("A/T1", "T2", Origin(team_id="T2"), "T2/U1"),
        ("A/T1", "T5", Origin(team_id="T1", enterprise_id="E1"), "U1"),
    ],
)
def test_people_of_other_organisations_have_their_team_in_their_id(account, team, origin, found: str) -> None:
    assert external_id("U1", team, origin, Channel(TENANT, ID, "slack", account, "acme")) == found


def test_a_payload_goes_as_it_is_or_as_its_digest() -> None:
    assert choice_value("ask:1", 150) == "ask:1"
    long = choice_value("x" * 151, 150)
    assert is_digest(long)
    assert len(long) <= 150
    content = orjson.dumps(
        {"choices": [{"label": "a", "payload": "y"}, {"label": "b", "payload": "x" * 151}]}
    )
    assert payload_of(long, content.decode()) == "x" * 151
    assert payload_of("ask:1", None) == "ask:1"
    for other in (None, "", "[]", "{}", '{"choices": 3}', '{"choices": [1, {"payload": 2}]}', "not json"):
        assert payload_of(long, other) is None


def test_a_payload_that_looks_like_a_digest_is_no_way_to_press_another(payload) -> None:
    digest = choice_value("x" * 3_000, 2_000)
    assert choice_value(digest, 2_000) != digest
    assert is_digest(choice_value("", 2_000))


def test_a_rating_reads_back() -> None:
    assert read_rating(rating("m1", 1)) == ("m1", 1)
    assert read_rating(rating("m1", -1)) == ("m1", -1)
    for odd in ("", "1/m", "+2/m", "+1/", "+1"):
        assert read_rating(odd) is None
