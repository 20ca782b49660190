"""A drawing shows what a flow's code does, without running it."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_tests import bot_from

from flows.drawing.graph import Graph, Shape
from flows.drawing.mermaid import elsewhere, mermaid
from flows.drawing.tracing import trace

HEAD = """
from flows import CallFailed, Chat, Flow, Unanswered

main = Flow("main")
other = Flow("other")

async def look_up(): ...

@other
async def be_other(chat: Chat) -> None:
    await chat.ask("inner", "Inner?")

async def help_out(talk: Chat, word: str) -> str:
    if word:
        return await talk.ask("helped", "Helped?")
    return ""

@main
async def be_main(chat: Chat) -> None:
"""


def drawn(folder: Path, body: str) -> Graph:
    source = HEAD + "\n".join(f"    {line}" for line in body.strip().splitlines())
    flow = bot_from(folder, source).registry.newest("main")
    assert flow is not None
    return trace(flow)


def arrows(graph: Graph) -> set[str]:
    """Each edge as `from -label-> to`, by the first words of the nodes."""
    texts = {node.id: node.text.partition("\n")[0] for node in graph.nodes}
    return {
        f"{texts[edge.source]} -{edge.label}-> {texts[edge.target]}"
        if edge.label
        else f"{texts[edge.source]} -> {texts[edge.target]}"
        for edge in graph.edges
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            """
a = await chat.ask("a", "A?")
await chat.say("quiet")
await chat.call(look_up)
""",
            {"main -> a", "a -> look_up", "look_up -> end"},
            id="one after another",
        ),
        pytest.param(
            """
if await chat.ask("sure", "Sure?"):
    await chat.call(look_up)
""",
            {"main -> sure", "sure -> sure", "sure -yes-> look_up", "sure -no-> end", "look_up -> end"},
            id="an if",
        ),
        pytest.param(
            """
if chat.opening:
    await chat.say("Hello.")
await chat.ask("a", "A?")
""",
            {"main -> a", "a -> end"},
            id="an if that only says",
        ),
        pytest.param(
            """
if chat.opening == "no":
    await chat.end("Bye.")
await chat.ask("a", "A?")
""",
            {
                "main -> chat.opening == 'no'",
                "chat.opening == 'no' -yes-> Bye.",
                "chat.opening == 'no' -no-> a",
                "a -> end",
            },
            id="an end in the middle",
        ),
        pytest.param(
            """
for n in range(3):
    if await chat.ask("more", "More?"):
        continue
    break
await chat.call(look_up)
""",
            {
                "main -> for n in range(3)",
                "for n in range(3) -each-> more",
                "more -> more",
                "more -yes-> for n in range(3)",
                "more -no-> look_up",
                "for n in range(3) -then-> look_up",
                "look_up -> end",
            },
            id="a loop",
        ),
        pytest.param(
            """
while True:
    if await chat.ask("done", "Done?"):
        return
""",
            {"main -> again", "again -> done", "done -> done", "done -yes-> end", "done -no-> again"},
            id="an endless loop",
        ),
        pytest.param(
            """
try:
    a = await chat.ask("a", "A?")
    await chat.call(look_up)
except CallFailed:
    await chat.end("Sorry.")
except Unanswered:
    await chat.ask("b", "B?")
""",
            {
                "main -> a",
                "a -> look_up",
                "look_up -CallFailed-> Sorry.",
                "a -Unanswered-> b",
                "b -> end",
                "look_up -> end",
            },
            id="what is caught",
        ),
        pytest.param(
            """
match await chat.ask("a", "A?"):
    case "x":
        await chat.call(look_up)
    case _:
        await chat.ask("b", "B?")
""",
            {"main -> a", "a -> a", "a -'x'-> look_up", "a -else-> b", "look_up -> end", "b -> end"},
            id="a match",
        ),
        pytest.param(
            """
await chat.enter(other)
await help_out(chat, "x")
await chat.wait(event="paid")
""",
            {
                "main -> other",
                "other -> word",
                "word -yes-> helped",
                "word -no-> wait: paid",
                "helped -> wait: paid",
                "wait: paid -> end",
            },
            id="other flows, and functions that get the chat",
        ),
    ],
)
def test_the_arrows_follow_the_code(tmp_path: Path, body: str, expected: set[str]) -> None:
    assert arrows(drawn(tmp_path, body)) == expected


def test_who_is_not_verified_goes_to_the_branch_for_that(tmp_path: Path) -> None:
    source = HEAD + (
        "    await chat.verify_otp()\n"
        "    await chat.call(look_up)\n"
        "@main.unverified\n"
        "async def not_verified(chat: Chat) -> None:\n"
        "    await chat.ask('phone', 'Which number?')\n"
    )
    flow = bot_from(tmp_path, source).registry.newest("main")
    assert flow is not None
    graph = trace(flow)
    assert "a one-time code -not verified-> phone" in arrows(graph)
    assert [node.place for node in graph.nodes if node.shape is Shape.ASK] == ["otp", "unverified/phone"]


def test_a_flow_that_enters_itself_is_drawn_once(tmp_path: Path) -> None:
    assert "main -> main" in arrows(drawn(tmp_path, "await chat.enter('main')"))


def test_a_label_cannot_break_the_drawing(tmp_path: Path) -> None:
    graph = drawn(tmp_path, """await chat.ask("a", 'Say "x" | <b>`y`</b> & {z}?')""")
    line = next(line for line in mermaid([graph]).splitlines() if "Say" in line)
    assert line.strip() == 'main_1("a<br/>Say #quot;x#quot; | &lt;b&gt;#96;y#96;&lt;/b&gt; &amp; {z}?")'


def test_waiting_sessions_are_counted_where_they_wait(tmp_path: Path) -> None:
    graph = drawn(
        tmp_path, 'await chat.enter(other)\nawait chat.ask("a", "A?")\nawait chat.ask("a", "Again?")'
    )
    waiting = {
        ("main", "other#0/inner#0"): 2,
        ("main", "a#0"): 3,
        ("main", "a#1"): 4,
        ("main", "gone#0"): 5,
        ("unknown", "a#0"): 6,
    }
    lines = mermaid([graph], waiting).splitlines()
    assert [line.strip() for line in lines if "waiting</b>" in line] == [
        'main_1[/"other<br/><b>2 waiting</b>"/]',
        'main_2("a<br/>A?<br/><b>7 waiting</b>")',
    ]
    assert list(elsewhere([graph], waiting)) == [("main", "gone", 5)]


def test_several_flows_are_drawn_together_with_what_they_enter(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, HEAD + "    await chat.enter(other)\n")
    text = mermaid([trace(flow) for flow in bot.registry.all()])
    assert 'subgraph main_flow["main"]' in text
    assert "main_1 -.-> other_0" in text
