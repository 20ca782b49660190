from __future__ import annotations

from typing import Any

import orjson
import pytest
from slack_blocks import check, seen, squeezed, texts_of

from adapters.slack.marks import payload_of
from adapters.slack.message import Message, Upload, retired, without_pictures
from adapters.slack.render import render
from adapters.slack.words import Words
from flows.vocabulary import Button, Card, Citation, File, Image, Reply
from flows.vocabulary import render as stored
from storage.records import ContentType


def rendered(reply: Reply, **options: Any) -> list[Message]:
    content, content_type = stored(reply)
    messages = render(content, content_type, **options)
    for message in messages:
        check(message)
    return messages


def one(reply: Reply, **options: Any) -> Message:
    (message,) = rendered(reply, **options)
    return message


def test_a_text_is_one_message_that_nothing_is_parsed_in() -> None:
    message = one(Reply("Hello"))
    assert message.arguments() == {
        "text": "Hello",
        "blocks": [
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "Hello"}]},
                ],
            }
        ],
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


@pytest.mark.parametrize(
    "text", ["<!channel>", "<!everyone>", "<!here>", "<@U123>", "<#C123>", "@channel", "<!subteam^S1>"]
)
def test_no_text_of_a_reply_mentions_anybody(text: str) -> None:
    everywhere = Reply(
        f"{text} **{text}** `{text}`\n\n- {text}\n\n> {text}\n\n| {text} |\n|---|\n| {text} |\n\n```\n{text}\n```",
        choices=(Button(text, "a"),),
        card=Card(text, text, [(text, text)], link="https://example.com/", image="https://example.com/i.png"),
        image=Image("https://example.com/i.png", text),
        file=File("https://example.com/f.pdf", text),
        citations=(Citation(text, "https://example.com/"), Citation(text)),
    )
    messages = [*rendered(everywhere), *(retired(message, text) for message in rendered(everywhere))]
    for message in messages:
        assert "<" not in message.text
        for found in texts_of(list(message.blocks)):
            assert found["type"] != "mrkdwn" or "<!" not in found["text"]
            assert found["type"] != "mrkdwn" or "<@" not in found["text"]
            assert found["type"] != "mrkdwn" or "<#" not in found["text"]
        assert {element["type"] for element in _elements(list(message.blocks))}.isdisjoint(
            {"user", "usergroup", "broadcast", "channel"}
        )


def _elements(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return ([value] if "type" in value else []) + [
            e for inner in value.values() for e in _elements(inner)
        ]
    return [e for inner in value for e in _elements(inner)] if isinstance(value, list) else []


def test_up_to_five_choices_are_buttons() -> None:
    labels = [f"Option {n}" for n in range(5)]
    message = one(Reply("Which?", choices=tuple(Button(label, f"ask:{label}") for label in labels)))
    block = message.blocks[-1]
    assert (block["type"], block["block_id"]) == ("actions", "choices")
    assert [(e["type"], e["text"]["text"], e["value"]) for e in block["elements"]] == [
        ("button", label, f"ask:{label}") for label in labels
    ]
    assert len({e["action_id"] for e in block["elements"]}) == 5
    assert all(e["text"]["emoji"] is False for e in block["elements"])


@pytest.mark.parametrize(("count", "groups"), [(6, None), (100, None), (101, 2), (250, 3)])
def test_more_choices_are_a_menu(count: int, groups: int | None) -> None:
    choices = tuple(Button(f"Option {n}", f"ask:{n}") for n in range(count))
    (menu,) = one(Reply("Which?", choices=choices), words=Words(choose="Bitte wählen")).blocks[-1]["elements"]
    assert menu["placeholder"]["text"] == "Bitte wählen"
    listed = menu.get("options") or [each for group in menu["option_groups"] for each in group["options"]]
    assert [each["value"] for each in listed] == [f"ask:{n}" for n in range(count)]
    assert ("option_groups" in menu) is (groups is not None)
    if groups:
        assert [group["label"]["text"] for group in menu["option_groups"]][:2] == [
            "1–100",
            f"101–{min(count, 200)}",
        ]
        assert len(menu["option_groups"]) == groups


def test_a_label_that_a_button_has_no_room_for_stands_whole_above() -> None:
    long = "I would like to talk about the fees of my second card, which I have not used at all this year"
    message = one(Reply("Which?", choices=(Button("Short", "a"), Button(long, "b"))))
    assert "Short" in seen([message])
    assert long in seen([message])
    shown = [element["text"]["text"] for element in message.blocks[-1]["elements"]]
    assert shown[0] == "Short"
    assert shown[1].endswith("…")
    assert long.startswith(shown[1][:-1])


def test_a_payload_that_is_too_long_is_found_again_in_the_stored_reply() -> None:
    reply = Reply("?", choices=(Button("a", "x" * 2_001), Button("b", "y" * 2_000)))
    values = [element["value"] for element in one(reply).blocks[-1]["elements"]]
    content, _ = stored(reply)
    assert [payload_of(value, content) for value in values] == ["x" * 2_001, "y" * 2_000]
    assert values[1] == "y" * 2_000
    menu = Reply("?", choices=tuple(Button(str(n), f"{n}" * 151) for n in range(1, 8)))
    content, _ = stored(menu)
    options = one(menu).blocks[-1]["elements"][0]["options"]
    assert [payload_of(option["value"], content) for option in options] == [f"{n}" * 151 for n in range(1, 8)]


def test_choices_without_words_and_beyond_ten_thousand_are_still_there() -> None:
    assert one(Reply("", choices=(Button("", ""),))).blocks[-1]["elements"][0]["text"]["text"] == "–"
    many = rendered(Reply("?", choices=tuple(Button(f"n{n}", f"p{n}") for n in range(10_001))))
    assert "n10000" in seen(many)
    assert len(many[-1].blocks[-1]["elements"][0]["option_groups"]) == 100


def test_a_card_is_a_title_with_its_picture_text_fields_and_a_button() -> None:
    fields = [(f"Name {n}", f"a_b*{n}*") for n in range(7)]
    card = Card(
        "Your *card*", "Ends in **42**", fields, "https://example.com/cards", "https://example.com/c.png"
    )
    title, text, first, second, link = one(Reply("Here:", card=card)).blocks[1:]
    assert title["text"]["text"] == "Your *card*"
    assert title["text"]["type"] == "plain_text"
    assert title["accessory"]["image_url"] == "https://example.com/c.png"
    assert {"type": "text", "text": "42", "style": {"bold": True}} in text["elements"][0]["elements"]
    assert [field["text"] for field in first["fields"]][:2] == ["*Name 0*", "a_b*0*"]
    assert (len(first["fields"]), len(second["fields"])) == (10, 4)
    assert link["elements"][0]["url"] == "https://example.com/cards"
    assert link["elements"][0]["text"]["text"] == "example.com ↗"


def test_a_card_of_too_long_parts_loses_nothing() -> None:
    card = Card(
        "T" * 4_000 + " the end",
        "x " * 5_000,
        [("N" * 2_500, "V" * 30_000), ("a", "b")],
        "not a link",
        "/local.png",
    )
    messages = rendered(Reply("", card=card))
    shown = squeezed(seen(messages))
    assert "Ttheend" in shown
    assert shown.count("V") == 30_000
    assert shown.count("N") == 2_500
    assert shown.count("x") == 5_000
    assert "notalink" in shown
    assert "/local.png" in shown


def test_parts_as_long_as_they_may_be_fit() -> None:
    odd, url = "&" * 2_000, "https://example.com/" + "a" * 2_900
    card = Card(odd, odd, [(odd, odd), ("a", "b" * 2_001), *[("n" * 2_000, "v" * 2_000)] * 6], url, url)
    reply = Reply(
        "", card=card, image=Image(url, odd), citations=(Citation(odd, url),) * 30, file=File(url, odd)
    )
    messages = rendered(reply, feedback="m1")
    assert (
        sum(
            "https://example.com/" in text.get("url", text["text"])
            for m in messages
            for text in texts_of(m.blocks)
        )
        == 31
    )
    shown = seen(messages)
    assert shown.count("v") == 12_000
    assert shown.index("bbbb") < shown.index("vvvv")


def test_a_picture_is_shown_where_slack_can_fetch_it_and_linked_elsewhere() -> None:
    block = one(Reply("", image=Image("https://example.com/a.png", "A cat"))).blocks[0]
    assert block == {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A cat"}
    title, linked = one(Reply("", card=Card("Card", image="http://10.0.0.1/c.png"))).blocks
    assert "accessory" not in title
    assert linked["elements"][0]["elements"][0]["url"] == "http://10.0.0.1/c.png"
    (link,) = one(Reply("", image=Image("http://10.0.0.1/a.png", "A cat"))).blocks[0]["elements"][0][
        "elements"
    ]
    assert link == {"type": "link", "url": "http://10.0.0.1/a.png", "text": "A cat"}
    (text,) = one(Reply("", image=Image("javascript:x", "A cat"))).blocks[0]["elements"][0]["elements"]
    assert text == {"type": "text", "text": "A cat (javascript:x)"}


def test_a_message_whose_pictures_slack_could_not_fetch_goes_without_them() -> None:
    card = Card("Card", image="https://example.com/c.png")
    message = one(Reply("x", card=card, image=Image("https://example.com/a.png", "A cat")))
    plain = without_pictures(message)
    check(plain)
    assert "image" not in {block["type"] for block in plain.blocks}
    assert all("accessory" not in block for block in plain.blocks)
    assert "<https://example.com/a.png|A cat>" in seen([plain])
    assert "<https://example.com/c.png|Card>" in seen([plain])


def test_pictures_in_a_text_are_links_since_they_would_tell_who_reads() -> None:
    (link,) = one(Reply("![pixel](https://evil.example/x.png)")).blocks[0]["elements"][0]["elements"]
    assert link == {"type": "link", "url": "https://evil.example/x.png", "text": "pixel"}


def test_a_file_is_a_named_link_and_an_upload() -> None:
    message = one(Reply("", file=File("https://example.com/t?a=1&b=2", "terms <1>.pdf", "application/pdf")))
    assert message.upload == Upload("https://example.com/t?a=1&b=2", "terms <1>.pdf", "application/pdf")
    assert message.blocks[0]["elements"][0]["elements"] == [
        {"type": "text", "text": "📎 "},
        {"type": "link", "url": "https://example.com/t?a=1&b=2", "text": "terms <1>.pdf"},
    ]
    assert one(Reply("", file=File("/local", "x.txt"))).text == "📎 x.txt"


def test_sources_are_numbered_links_ten_a_block() -> None:
    citations = tuple(Citation(f"Fees › {n}", f"https://example.com/{n}") for n in range(11))
    message = one(Reply("It costs 5 [1].", citations=(*citations, Citation("No <address>"))))
    first, second = message.blocks[1:]
    assert first["type"] == "context"
    assert len(first["elements"]) == 10
    assert first["elements"][0]["text"] == "<https://example.com/0|[1] Fees › 0>"
    assert second["elements"][1]["text"] == "[12] No &lt;address&gt;"


def test_feedback_buttons_say_which_message() -> None:
    message = rendered(Reply("An answer"), feedback="m1", words=Words(good="Gut", bad="Schlecht"))[-1]
    (buttons,) = message.blocks[-1]["elements"]
    assert message.blocks[-1]["type"] == "context_actions"
    assert (buttons["type"], buttons["action_id"]) == ("feedback_buttons", "feedback")
    assert (buttons["positive_button"]["value"], buttons["negative_button"]["value"]) == ("+1/m1", "-1/m1")
    assert buttons["positive_button"]["accessibility_label"] == "Gut"


def test_after_a_stream_only_the_rest_is_rendered() -> None:
    reply = Reply("Streamed", choices=(Button("Yes", "y"),), citations=(Citation("S"),))
    message = one(reply, text_shown=True, feedback="m1")
    assert "Streamed" not in seen([message])
    assert [block["type"] for block in message.blocks] == ["context", "actions", "context_actions"]
    assert rendered(Reply("Streamed"), text_shown=True) == []


def test_the_notification_says_the_words_escaped_and_in_bounds() -> None:
    assert one(Reply("a <b> & **c**")).text == "a &lt;b&gt; &amp; c"
    assert one(Reply("", choices=(Button("Yes", "y"), Button("No", "n")))).text == "Yes / No"
    assert one(Reply("")).text == "…"
    assert one(Reply(" \n ")).text == "…"
    for text in ("ä" * 5_000, "<" * 2_000, "x" * 3_799 + "&" * 50, "👨‍👩‍👧‍👦" * 500):
        for message in rendered(Reply(text)):
            assert len(message.text.encode()) <= 3_800
            assert message.text.count("&") == message.text.count(";")


def test_used_choices_give_way_to_what_was_chosen() -> None:
    message = one(Reply("Which?", choices=(Button("Current", "c"), Button("Savings", "s"))), feedback="m1")
    used = retired(message, "Savings")
    check(used)
    assert [block["type"] for block in used.blocks] == ["rich_text", "context", "context_actions"]
    assert used.blocks[1]["elements"] == [{"type": "plain_text", "text": "✓ Savings", "emoji": False}]
    assert used.text == message.text
    assert "choices" not in {block.get("block_id") for block in used.blocks}
    assert [block["type"] for block in retired(message, None).blocks] == ["rich_text", "context_actions"]
    assert retired(used, "Again") == used


def test_a_message_of_nothing_but_choices_keeps_its_words_when_they_expire() -> None:
    used = retired(one(Reply("", choices=(Button("Yes", "y"),))), None)
    check(used)
    assert used.blocks[0]["text"]["text"] == "Yes"


def test_blocks_from_slack_are_retired_as_well(payload) -> None:
    shown = payload("block_actions_button")["message"]
    used = retired(Message(shown["text"], tuple(shown["blocks"])), "x" * 2_000)
    check(used)
    assert used.blocks[0]["elements"][0]["text"].startswith("✓ xxx")


@pytest.mark.parametrize(
    ("content", "content_type", "shown"),
    [
        ('{"a": 1}', ContentType.JSON, '{"a": 1}'),
        ("not json", ContentType.RICH, "not json"),
        ("[1]", ContentType.RICH, "[1]"),
        (
            '{"text": 3, "choices": "x", "card": [], "citations": 1, "image": 2, "file": 3}',
            ContentType.RICH,
            "…",
        ),
        ('{"text": "a", "choices": [1, {}, {"label": "b"}]}', ContentType.RICH, "a"),
        ('{"card": {"fields": [1, ["a"], ["b", 2]]}}', ContentType.RICH, "*–*\n*b*\n2"),
        ('{"image": {}, "text": "a"}', ContentType.RICH, "a"),
    ],
)
def test_a_reply_of_another_shape_shows_what_it_has(
    content: str, content_type: ContentType, shown: str
) -> None:
    messages = render(content, content_type)
    for message in messages:
        check(message)
    assert seen(messages) == shown


def test_everything_at_once_stays_within_limits_and_in_order() -> None:
    reply = Reply(
        "\n\n".join(f"Paragraph {n} " + "word " * 200 for n in range(40)),
        choices=tuple(Button(f"Choice {n} " + "x" * 80, f"c{n}") for n in range(30)),
        card=Card("Title", "text " * 3_000, [(f"f{n}", "v" * 900) for n in range(50)]),
        citations=tuple(
            Citation(f"Source {n} " + "y" * 240, "https://example.com/" + "z" * 500) for n in range(60)
        ),
    )
    messages = rendered(reply, feedback="m1")
    shown = seen(messages)
    marks = [
        *(f"Paragraph {n} " for n in range(40)),
        "Title",
        *(f"Source {n} " for n in range(60)),
        "Choice 29 ",
    ]
    places = [shown.index(mark) for mark in marks]
    assert places == sorted(places)
    assert shown.count("word") == 8_000
    assert shown.count("v") >= 45_000
    assert messages[-1].blocks[-1]["type"] == "context_actions"


def test_a_stored_reply_is_what_flows_store() -> None:
    content, content_type = stored(Reply("Hi", choices=(Button("Yes", "y"),)))
    assert content_type is ContentType.RICH
    assert orjson.loads(content)["choices"] == [{"label": "Yes", "payload": "y"}]
