"""Block Kit's limits, each at its last good value and one beyond."""

from __future__ import annotations

import pytest

from bot.emulators.slack.blocks import problems_of, tables_in


def plain(length: int) -> dict:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> dict:
    return {"type": "mrkdwn", "text": "x" * length}


def section(**more) -> dict:
    return {"type": "section", "text": mrkdwn(1), **more}


def button(length: int = 1, **more) -> dict:
    return {"type": "button", "text": plain(length), **more}


def actions(*elements) -> dict:
    return {"type": "actions", "elements": list(elements)}


def option(number: int = 0, length: int = 1, value: str | None = None) -> dict:
    return {"text": plain(length), "value": f"v{number}" if value is None else value}


def select(count: int, **more) -> dict:
    return {"type": "static_select", "options": [option(n) for n in range(count)], **more}


def groups(count: int, each: int = 1) -> dict:
    listed = [{"label": plain(1), "options": [option(n) for n in range(each)]} for _ in range(count)]
    return {"type": "static_select", "option_groups": listed}


def table(rows: int, columns: int, text: str = "x") -> dict:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": text}] * columns] * rows}


def feedback(length: int, value: int) -> dict:
    shown = {"text": plain(length), "value": "x" * value}
    return {"type": "feedback_buttons", "positive_button": shown, "negative_button": shown}


def context_actions(*elements) -> dict:
    return {"type": "context_actions", "elements": list(elements)}


FINE = [
    [{"type": "divider"}] * 50,
    [section(text=mrkdwn(3000))],
    [section(fields=[mrkdwn(2000)] * 10)],
    [{"type": "header", "text": plain(150)}],
    [{"type": "markdown", "text": "x" * 12_000}],
    [{"type": "context", "elements": [mrkdwn(3000)] * 10}],
    [{"type": "image", "image_url": "https://a.example/" + "x" * 2900, "alt_text": "x" * 2000}],
    [actions(*[button(action_id=f"a{n}") for n in range(25)])],
    [actions(button(75, value="x" * 2000, action_id="x" * 255, style="primary"))],
    [actions(select(100, placeholder=plain(150)))],
    [actions(groups(100, 100))],
    [actions({"type": "overflow", "options": [option(n) for n in range(5)]})],
    [actions(select(1, options=[option(0, 75, "x" * 150)]))],
    [table(100, 20)],
    [context_actions(feedback(75, 2000))],
    [section(block_id="a"), section(block_id="x" * 255)],
    # The same action in two blocks is two actions.
    [actions(button(action_id="a")), actions(button(action_id="a"))],
    [section(accessory=button())],
    [section(accessory={"type": "image", "image_url": "https://a.example/", "alt_text": "x"})],
]


@pytest.mark.parametrize("blocks", FINE)
def test_at_the_limit_all_is_well(blocks):
    assert problems_of(blocks) == []


WRONG = [
    ([{"type": "divider"}] * 51, "/blocks", "no more than 50 items"),
    ([section(text=mrkdwn(3001))], "/blocks/0/text/text", "less than 3001"),
    ([section(text=mrkdwn(0))], "/blocks/0/text/text", "more than 0"),
    ([{"type": "section"}], "/blocks/0", "missing required field: text"),
    ([section(text="plain")], "/blocks/0/text", "text object"),
    ([section(fields=[mrkdwn(1)] * 11)], "/blocks/0/fields", "no more than 10"),
    ([section(fields=[mrkdwn(2001)])], "/blocks/0/fields/0/text", "less than 2001"),
    ([section(fields=[])], "/blocks/0/fields", "at least 1"),
    ([{"type": "header", "text": plain(151)}], "/blocks/0/text/text", "less than 151"),
    ([{"type": "header", "text": mrkdwn(1)}], "/blocks/0/text", "plain_text"),
    ([{"type": "markdown", "text": "x" * 12_001}], "/blocks/0/text", "less than 12001"),
    ([{"type": "markdown", "text": "x" * 7000}] * 2, "/blocks", "together"),
    ([{"type": "context", "elements": [mrkdwn(1)] * 11}], "/blocks/0/elements", "no more than 10"),
    ([{"type": "image", "alt_text": "x"}], "/blocks/0", "image_url"),
    ([{"type": "image", "image_url": "https://a.example/"}], "/blocks/0", "alt_text"),
    ([{"type": "image", "image_url": "x" * 3001, "alt_text": "x"}], "/blocks/0/image_url", "less than 3001"),
    ([actions(*[button() for _ in range(26)])], "/blocks/0/elements", "no more than 25"),
    ([actions()], "/blocks/0/elements", "no fewer than 1"),
    ([actions(button(76))], "/blocks/0/elements/0/text/text", "less than 76"),
    ([actions(button(value="x" * 2001))], "/blocks/0/elements/0/value", "less than 2001"),
    ([actions(button(action_id="x" * 256))], "/blocks/0/elements/0/action_id", "less than 256"),
    ([actions(button(style="loud"))], "/blocks/0/elements/0/style", "primary or danger"),
    (
        [actions(button(action_id="a"), button(action_id="a"))],
        "/blocks/0/elements/1/action_id",
        "already exists",
    ),
    ([section(block_id="a"), section(block_id="a")], "/blocks/1/block_id", "already exists"),
    ([section(block_id="x" * 256)], "/blocks/0/block_id", "less than 256"),
    ([actions(select(101))], "/blocks/0/elements/0/options", "no more than 100"),
    ([actions(select(0))], "/blocks/0/elements/0", "missing required field: options"),
    ([actions(groups(101))], "/blocks/0/elements/0/option_groups", "no more than 100"),
    ([actions({**groups(1), "options": [option()]})], "/blocks/0/elements/0", "cannot both"),
    (
        [actions(select(1, options=[option(0, 76)]))],
        "/blocks/0/elements/0/options/0/text/text",
        "less than 76",
    ),
    (
        [actions(select(1, options=[option(0, 1, "x" * 151)]))],
        "/blocks/0/elements/0/options/0/value",
        "less than 151",
    ),
    ([actions(select(1, placeholder=plain(151)))], "/blocks/0/elements/0/placeholder/text", "less than 151"),
    (
        [actions({"type": "overflow", "options": [option(n) for n in range(6)]})],
        "/blocks/0/elements/0/options",
        "no more than 5",
    ),
    ([table(101, 1)], "/blocks/0/rows", "no more than 100"),
    ([table(1, 21)], "/blocks/0/rows/0", "no more than 20"),
    ([table(1, 1, "")], "/blocks/0/rows/0/0/text", "more than 0"),
    ([{"type": "table", "rows": []}], "/blocks/0/rows", "missing"),
    ([{"type": "table", "rows": [["x"]]}], "/blocks/0/rows/0/0", "raw_text"),
    ([context_actions(feedback(76, 1))], "/blocks/0/elements/0/positive_button/text/text", "less than 76"),
    ([context_actions(feedback(1, 2001))], "/blocks/0/elements/0/positive_button/value", "less than 2001"),
    ([context_actions(button())], "/blocks/0/elements/0/type", "unsupported type: button"),
    ([actions(feedback(1, 1))], "/blocks/0/elements/0/type", "unsupported type: feedback_buttons"),
    ([{"type": "nonsense"}], "/blocks/0/type", "unsupported block"),
    (["text"], "/blocks/0", "must be an object"),
    ([None], "/blocks/0", "must be an object"),
]


@pytest.mark.parametrize(("blocks", "where", "said"), WRONG)
def test_beyond_the_limit_the_place_is_named(blocks, where, said):
    problems = problems_of(blocks)
    assert any(f"[json-pointer:{where}]" in problem and said in problem for problem in problems), problems


@pytest.mark.parametrize("kind", ["markdown", "context_actions", "file"])
def test_some_blocks_are_for_messages_only(kind):
    assert problems_of([{"type": kind}], "modal")[0].startswith("unsupported block")


@pytest.mark.parametrize(
    ("blocks", "count"),
    [
        ([table(1, 1)], 1),
        ([table(1, 1), table(1, 1)], 2),
        ([{"type": "markdown", "text": "|a|b|\n|-|-|\n|1|2|\n\nand\n\na | b\n--- | ---\n1 | 2"}], 2),
        ([{"type": "markdown", "text": "```\n|a|b|\n|-|-|\n```\n\n- one\n---\ntwo"}], 0),
    ],
)
def test_tables_are_counted_in_markdown_too(blocks, count):
    assert tables_in(blocks) == count


async def test_a_message_takes_one_table(slack, client, refused):
    await client.chat_postMessage(channel=slack.general.id, text="x", blocks=[table(2, 2)])
    with refused("invalid_attachments") as refusal:
        await client.chat_postMessage(channel=slack.general.id, text="x", blocks=[table(2, 2)] * 2)
    assert refusal.response["response_metadata"]["messages"] == ["[ERROR] only_one_table_allowed"]


async def test_the_answer_lists_what_is_wrong(slack, client, refused):
    with refused("invalid_blocks") as refusal:
        await client.chat_postMessage(
            channel=slack.general.id, text="x", blocks=[section(text=mrkdwn(3001)), {"type": "nonsense"}]
        )
    assert len(refusal.response["errors"]) == 2
    assert refusal.response["response_metadata"]["messages"][0].startswith("[ERROR] must be less than 3001")


async def test_ids_left_out_are_given(slack, client):
    await client.chat_postMessage(
        channel=slack.general.id, text="x", blocks=[actions(button()), section(accessory=button())]
    )
    pressed, accessory = slack.said()[0].blocks
    ids = [pressed["block_id"], pressed["elements"][0]["action_id"], accessory["accessory"]["action_id"]]
    assert all(ids) and len(set(ids)) == 3
