"""What becomes of Markdown: elements, and rich text made of them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from slack_blocks import check, seen, squeezed

from adapters.slack.elements import Code, Heading, Item, Paragraph, Quote, Rule, Span, Table
from adapters.slack.markdown import read
from adapters.slack.render import render
from adapters.slack.rich_text import rich_block
from adapters.slack.tables import columns, fitted, table_block
from storage.records import ContentType


def spans(text: str) -> tuple[Span, ...]:
    (element,) = read(text)
    assert isinstance(element, Paragraph)
    return element.spans


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", [Span("plain")]),
        ("**b** and __b__", [Span("b", bold=True), Span(" and "), Span("b", bold=True)]),
        ("*i* _i_", [Span("i", italic=True), Span(" "), Span("i", italic=True)]),
        ("***both***", [Span("both", bold=True, italic=True)]),
        ("**a _b_ c**", [Span("a ", bold=True), Span("b", bold=True, italic=True), Span(" c", bold=True)]),
        ("**a __b__ c**", [Span("a b c", bold=True)]),
        ("~~gone~~", [Span("gone", strike=True)]),
        ("`x < y`", [Span("x < y", code=True)]),
        ("snake_case and 2 * 3 * 4", [Span("snake_case and 2 * 3 * 4")]),
        ("one\ntwo  \nthree", [Span("one\ntwo\nthree")]),
        ("&amp; &lt; \\*not\\*", [Span("& < *not*")]),
        ("<b>html</b> <!-- x -->", [Span("<b>html</b> <!-- x -->")]),
        ("[a *b*](https://e.com/x)", [Span("a ", url="https://e.com/x"), Span("b", italic=True, url="https://e.com/x")]),
        ("[](https://e.com/x)", [Span("https://e.com/x", url="https://e.com/x")]),
        ("[a][1]\n\n[1]: https://e.com", [Span("a", url="https://e.com")]),
        ("[a](/local)", [Span("a (/local)")]),
        ("[a](ftp://e.com/x)", [Span("a (ftp://e.com/x)")]),
        ("[a](javascript:x)", [Span("[a](javascript:x)")]),
        ("see [1] there", [Span("see [1] there")]),
        ("<https://e.com>", [Span("https://e.com", url="https://e.com")]),
        ("at https://e.com/a_b.", [Span("at "), Span("https://e.com/a_b", url="https://e.com/a_b"), Span(".")]),
        ("(https://e.com/)", [Span("("), Span("https://e.com/", url="https://e.com/"), Span(")")]),
        ("[https://a.com](https://b.com)", [Span("https://a.com", url="https://b.com")]),
        ("`https://e.com`", [Span("https://e.com", code=True)]),
        ("![alt](https://e.com/i.png)", [Span("alt", url="https://e.com/i.png")]),
        ("![](https://e.com/i.png)", [Span("https://e.com/i.png", url="https://e.com/i.png")]),
        ("[1]: https://e.com", [Span("[1]: https://e.com")]),
        (":tada: @here", [Span(":tada: @here")]),
    ],
)  # fmt: skip
def test_within_a_paragraph(text: str, shown: list[Span]) -> None:
    assert list(spans(text)) == shown


def p(text: str) -> Paragraph:
    return Paragraph((Span(text),))


def item(text: str, depth: int = 0, number: int | None = None) -> Item:
    return Item((Span(text),), depth, number)


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("a\n\nb", [p("a"), p("b")]),
        ("# T\ntext", [Heading((Span("T", bold=True),)), p("text")]),
        ("- a\n- b", [item("a"), item("b")]),
        ("3. a\n4. b", [item("a", number=3), item("b", number=4)]),
        ("- a\n  - b\n- c", [item("a"), item("b", 1), item("c")]),
        ("1. a\n   - b\n2. c", [item("a", number=1), item("b", 1), item("c", number=2)]),
        ("- a\n\n  more", [Item((Span("a"), Span("\n"), Span("more")))]),
        ("- a\n  - b\n\n  more", [item("a"), item("b", 1), p("more")]),
        ("-\n- b", [Item(()), item("b")]),
        ("- ```\n  x\n  ```", [Item(()), Code("x")]),
        ("1. a\n\n   ```\n   x\n   ```\n2. b", [item("a", number=1), Code("x"), item("b", number=2)]),
        ("> a\n>\n> b", [Quote((Span("a"), Span("\n"), Span("b")))]),
        ("> a\n\nb", [Quote((Span("a"),)), p("b")]),
        (
            "> - a\n>   1. b",
            [Quote((Span("• "), Span("a"), Span("\n"), Span("    1. "), Span("b")))],
        ),
        ("- > q", [Quote((Span("• "), Span("q")))]),
        ("```py\nx = 1\n\ny\n```", [Code("x = 1\n\ny")]),
        ("```\nnever closed", [Code("never closed")]),
        ("a\n\n---\n\nb", [p("a"), Rule(), p("b")]),
        ("1. a\n\n1) b", [item("a", number=1), item("b", number=1)]),
        ("<div>\nx\n</div>\n\ny", [p("<div>\nx\n</div>"), p("y")]),
        ("", []),
        ("\n \n", []),
        (
            "| A | B |\n|:--|--:|\n| 1 | **2** |\n| 3 |",
            [
                Table(
                    (
                        ((Span("A"),), (Span("B"),)),
                        ((Span("1"),), (Span("2", bold=True),)),
                        ((Span("3"),), ()),
                    ),
                    ("left", "right"),
                )
            ],
        ),
    ],
)
def test_blocks_of_a_text(text: str, elements: list[Any]) -> None:
    assert read(text) == elements


def test_what_is_nested_too_deep_is_shown_as_it_is() -> None:
    text = "> " * 40 + "deep"
    assert read(text) == [p(text)]
    assert "deep" in seen(render(f"first\n\n{text}", ContentType.TEXT))


RUNS = [
    "[",
    "![",
    "*a",
    "**a** ",
    "`a",
    "`",
    "> ",
    "- ",
    "1. ",
    "<",
    "&",
    "|a",
    "_",
    "\\",
    "[a](",
    "~~",
    "#",
    "a\n",
]


@pytest.mark.parametrize("unit", RUNS)
def test_a_long_run_of_anything_is_rendered_in_time(unit: str) -> None:
    text = unit * (30_000 // len(unit))
    began = time.perf_counter()
    messages = render(text, ContentType.TEXT)
    assert time.perf_counter() - began < 5
    for message in messages:
        check(message)


def test_rich_text_of_each_kind() -> None:
    shown = rich_block(
        [
            p("a"),
            item("b"),
            item("c", 1, 4),
            item("d", 1, 5),
            item("e", 1, 1),
            Quote((Span("q"),)),
            Code("x"),
            Item(()),
        ]
    )
    kinds = [
        (part["type"], part.get("style"), part.get("indent"), part.get("offset"))
        for part in shown["elements"]
    ]
    assert kinds == [
        ("rich_text_section", None, None, None),
        ("rich_text_list", "bullet", None, None),
        ("rich_text_list", "ordered", 1, 3),
        ("rich_text_list", "ordered", 1, None),
        ("rich_text_quote", None, None, None),
        ("rich_text_preformatted", None, None, None),
        ("rich_text_list", "bullet", None, None),
    ]
    assert [len(part["elements"]) for part in shown["elements"] if part["type"] == "rich_text_list"] == [
        1,
        2,
        1,
        1,
    ]
    assert shown["elements"][-1]["elements"][0]["elements"] == [{"type": "text", "text": " "}]


def test_a_numbered_list_goes_on_behind_what_interrupts_it() -> None:
    (message,) = render("1. a\n\n   ```\n   x\n   ```\n2. b", ContentType.TEXT)
    lists = [part for part in message.blocks[0]["elements"] if part["type"] == "rich_text_list"]
    assert [part.get("offset", 0) for part in lists] == [0, 1]


def a_table(rows: int, columns: int, text: str = "x") -> str:
    head = "|" + "|".join(f"h{n}" for n in range(columns)) + "|"
    body = ["|" + "|".join(f"{row}.{n}{text}" for n in range(columns)) + "|" for row in range(rows)]
    return "\n".join([head, "|" + "---|" * columns, *body])


def test_a_table_is_slacks_own() -> None:
    (table,) = read("| A | B | C |\n|---|:-:|--:|\n| 1 | **2** | |")
    assert table_block(table) == {
        "type": "table",
        "rows": [
            [
                {"type": "raw_text", "text": "A"},
                {"type": "raw_text", "text": "B"},
                {"type": "raw_text", "text": "C"},
            ],
            [
                {"type": "raw_text", "text": "1"},
                {
                    "type": "rich_text",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "2", "style": {"bold": True}}],
                        }
                    ],
                },
                {"type": "raw_text", "text": " "},
            ],
        ],
        "column_settings": [
            {"align": "left", "is_wrapped": True},
            {"align": "center", "is_wrapped": True},
            {"align": "right", "is_wrapped": True},
        ],
    }


@pytest.mark.parametrize(
    ("rows", "across", "text", "tables", "codes"),
    [
        (99, 20, "", 1, 0),
        (100, 2, "", 2, 0),
        (250, 2, "", 3, 0),
        (3, 21, "", 0, 1),
        (30, 2, "word " * 100, 4, 0),
        (2, 2, "x" * 6_000, 0, 5),
    ],
)
def test_a_table_beyond_the_limits_is_several_or_columns_of_text(
    rows: int, across: int, text: str, tables: int, codes: int
) -> None:
    messages = render(a_table(rows, across, text), ContentType.TEXT)
    for message in messages:
        check(message)
    kinds = [block["type"] for message in messages for block in message.blocks]
    assert kinds.count("table") == tables
    assert kinds.count("rich_text") == codes
    shown = seen(messages)
    for row in range(rows):
        for column in range(across):
            assert f"{row}.{column}" in shown
    assert shown.count("x") == (text.count("x") * rows * across)


def test_every_part_of_a_long_table_has_its_head() -> None:
    (table,) = read(a_table(250, 2))
    parts = fitted(table)
    assert all(isinstance(part, Table) and part.rows[0] == table.rows[0] for part in parts)


def test_two_tables_are_two_messages_in_order() -> None:
    messages = render(f"one\n\n{a_table(2, 2)}\n\ntwo\n\n{a_table(2, 2)}\n\nthree", ContentType.TEXT)
    assert [[block["type"] for block in message.blocks] for message in messages] == [
        ["rich_text", "table", "rich_text"],
        ["table", "rich_text"],
    ]
    assert squeezed(seen(messages)).startswith("one")


def test_columns_of_text_line_up_also_with_wide_characters() -> None:
    (table,) = read("| A | Name |\n|---|---|\n| 漢字 | x |\n| b | longer |")
    assert columns(table) == "A    | Name\n-----|-------\n漢字 | x\nb    | longer".replace(
        "-----|-------", "-----|-------"
    )
