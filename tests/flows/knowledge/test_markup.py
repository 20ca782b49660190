"""HTML becomes Markdown; of hostile markup nothing is left, and none of it costs time or memory."""

from __future__ import annotations

import re
import time

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flows.knowledge.documents import Document
from flows.knowledge.reading.files import read
from flows.knowledge.reading.html import read_page
from flows.knowledge.reading.markdown import without_html

PAGE = """<!doctype html><html lang=de><head><title>T</title><style>x{}</style></head><body>
<nav>Menu</nav><header>Top</header>
<main><h1>Guide <em>one</em></h1>
<p>Read <a href="/terms">the terms</a>, <b>please</b>.<br>Second line &amp; more.</p>
<ul><li>One</li><li>Two<ul><li>Inner</li></ul></li></ul>
<ol><li><p>First</p></li><li>Second</li></ol>
<pre><code class="language-python">def f():
    return "&lt;b&gt;"
</code></pre>
<p>Use <code>a &lt; b</code> and <code>x`y</code>.</p>
<blockquote><p>Quoted</p></blockquote>
<table><caption>Prices</caption><tr><th>Name</th><th>Price</th></tr><tr><td>A|B</td><td>1 <a href="https://x.y/z">€</a></td></tr></table>
<div hidden>secret</div><p style="display: none">secret</p><span aria-hidden=true>secret</span>
<template>secret</template>
<img src=x alt="A picture"><form><button>Send</button></form>
</main><footer>Foot</footer></body></html>"""

MARKDOWN = """# Guide one

Read [the terms](/terms), please.
Second line & more.

- One
- Two
  - Inner

1. First
2. Second

```python
def f():
    return "<b>"
```

Use `a < b` and ``x`y``.

> Quoted

Prices

| Name | Price |
| --- | --- |
| A\\|B | 1 [€](https://x.y/z) |

A picture"""


def test_a_page_becomes_markdown():
    page = read_page(PAGE)
    assert (page.title, page.language) == ("T", "de")
    assert page.markdown == MARKDOWN


def test_a_page_without_a_main_part_is_read_without_its_edges():
    markdown = read_page(
        "<nav>n</nav><header><h1>H</h1></header><div>text</div><aside>a</aside><footer>f</footer>"
    ).markdown
    assert markdown == "# H\n\ntext"


def test_a_table_that_arranges_the_page_is_read_cell_by_cell():
    page = "<table><tr><td><h1>A</h1><p>one</p></td><td><table><tr><td>x</td><td>y</td></tr></table></td></tr></table>"
    assert read_page(page).markdown == "# A\n\none\n\n| x | y |\n| --- | --- |"


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "java\nscript:alert(1)",
        "#top",
        "",
    ],
)
def test_a_link_that_acts_or_leads_nowhere_is_its_words(href):
    assert read_page(f'<a href="{href}">words</a>').markdown == "words"


def test_a_link_cannot_break_out_of_its_brackets():
    markdown = read_page('<a href="/a) <script>(b">words</a>').markdown
    assert markdown == "[words](/a%29%20%3Cscript%3E%28b)"


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<scr<script>ipt>alert(1)</script>",
    "<<b>script>alert(1)</script>",
    "<!-- --><svg/onload=alert(1)>",
    "<x onfocus=alert(1) autofocus tabindex=1>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&lt;<b></b>script&gt;alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe src=//evil></iframe>",
    "<style>@import '//evil'</style>",
    "<math><mtext></p><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea></textarea><script>x</script>",
    "<title></title><script>x</script>",
    "`\n# a\n` `<script>x</script>`",
    "\\`<script>x</script>\\`",
    "- ```\n  code\n  ```\n  <script>x</script>\n",
    " ```\ncode\n ```\n <script>x</script>\n",
    "```\n    ```\n<script>x</script>\n```\n<script>y</script>",
    "<div>\n```\n</div><script>x</script>",
    "[x](javascript:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](java<b></b>script:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](\njavascript:alert(1))",
    "> [x]:\n> javascript:alert(1)",
    "<mtext>\n```\n</div><script>x</script>",
    "<!-- -->- ```\n  code\n  ```\n  <script>x</script>\n",
    "[x]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "<!--",
    "<![CDATA[<script>x</script>]]>",
    "<?php echo 1 ?>",
    "<b <script>x</script>",
]
ACTS = re.compile(
    r"<(?:/?[a-z][a-z0-9]*[\s/][^>]*="
    r"|/?(?:a|b|div|iframe|img|math|noscript|p|script|style|svg|textarea|title)[\s/]*>|[!?])"
    r"|\]\(\s*<?java[^)]*script:|^\s*\[[^\]]*\]:\s*javascript:",
    re.IGNORECASE | re.MULTILINE,
)


def outside_code(markdown: str) -> str:
    """What any reader of Markdown takes to be outside of code: here only whole fences at the margin are code."""
    return re.sub(r"^```[^`\n]*\n.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("markup", HOSTILE)
@pytest.mark.parametrize("name", ["a.html", "a.md", "a.txt"])
def test_hostile_markup_does_not_survive_as_markup(name, markup):
    made = read(name, f"before {markup} after\n\n{markup}\n\nend".encode())
    assert isinstance(made, Document)
    assert not ACTS.search(outside_code(made.text)), made.text
    assert "before" in made.text


def test_markdown_keeps_its_code_and_loses_its_html():
    text = (
        "Use `<script src=x>` so:\n\n```html\n<script>x</script>\n```\n\n"
        "1. Step\n\n    ```sh\n    echo <b>\n    ```\n\n"
        '<div align="center">Words</div> a < b, x<5, <https://x.y/z>, <name>, me <me@x.y><br>new'
        "\n\n<!-- a\n\nlong comment -->\nEnd"
    )
    assert without_html(text) == (
        "Use `<script src=x>` so:\n\n```html\n<script>x</script>\n```\n\n"
        "1. Step\n\n    ```sh\n    echo <b>\n    ```\n\n"
        "Words a < b, x<5, <https://x.y/z>, <name>, me <me@x.y>\nnew\n\nEnd"
    )


MARKS = [
    *(
        "`",
        "``",
        "```\n",
        "```html\n",
        "~~~\n",
        "\n",
        "\n\n",
        "    ",
        "  ",
        "\t",
        "- ",
        "1. ",
        "> ",
        "# ",
        "---\n",
        "\\",
    ),
    *(
        "<",
        ">",
        "</",
        "<!--",
        "-->",
        "=",
        "[",
        "](",
        "]: ",
        "![x](",
        ")",
        "javascript:",
        "<https://x.y>",
        "<name>",
        "word",
    ),
]
MIXTURES = st.lists(st.sampled_from([*HOSTILE, *MARKS]), max_size=14).map("".join)
READER = MarkdownIt("commonmark")
READER.validateLink = lambda url: True


def acting(markdown: str) -> list[str]:
    """What a reader of Markdown that lets HTML and any link through would act on."""
    found = []
    for block in READER.parse(markdown):
        for token in (block, *(block.children or ())):
            if token.type in ("html_inline", "html_block"):
                found.append(token.content)
            target = token.attrs.get("href") or token.attrs.get("src") or ""
            if str(target).strip().lower().startswith(("javascript:", "data:", "vbscript:")):
                found.append(str(target))
    # A placeholder within a line is an element that does nothing.
    return [each for each in found if not re.fullmatch(r"<[A-Za-z][\w-]*(?: [\w -]*)?>", each)]


@pytest.mark.parametrize("name", ["a.html", "a.md"])
@given(mixture=MIXTURES)
@settings(max_examples=400, deadline=None)
def test_no_mixture_of_markup_acts_in_a_reader_that_lets_everything_through(name, mixture):
    made = read(name, mixture.encode())
    if isinstance(made, Document):
        assert acting(made.text) == []


MEGABYTE = 200_000
HEAVY = {
    "divs": "<div>" * MEGABYTE,
    "formats": "".join(f"<font color={n}>" for n in range(20_000)) + "<p>x" * MEGABYTE,
    "codes": "<code><p>" * MEGABYTE,
    "links": "<a href=x><p>" * MEGABYTE,
    "in svg": "<svg>" + "<a>" * MEGABYTE,
    "tables": "<table><tr><td>" * MEGABYTE,
    "buttons": "<div><button></div>" * MEGABYTE,
    "selects": "<select><option>" * MEGABYTE,
    "lists": "<ul><li>" * MEGABYTE + "x",
    "attribute": "<p title='" + "x" * 9 * MEGABYTE + "'>x",
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(MEGABYTE)) + ">x",
    "open": "<a " * 3 * MEGABYTE,
    "less": "<" * 9 * MEGABYTE,
    "comments": "<!--" * 2 * MEGABYTE,
    "scripts": "<script>" * MEGABYTE,
    "ticks": "` `` ``` " * MEGABYTE,
    "targets": "](" * 4 * MEGABYTE,
    "brackets": "[" * 9 * MEGABYTE,
    "spaces": " " * 9 * MEGABYTE + "x",
    "lines": "x\n\n" * 3 * MEGABYTE,
    "front": "---\n" + "a: b\n" * MEGABYTE,
}


@pytest.mark.parametrize("name", ["a.html", "a.md"])
@pytest.mark.parametrize("heavy", HEAVY)
def test_what_is_meant_to_be_heavy_is_not(name, heavy):
    content = HEAVY[heavy].encode()[: 2 * 2**20]
    began, before = time.monotonic(), psutil.Process().memory_info().rss
    read(name, content)
    assert time.monotonic() - began < 10
    assert psutil.Process().memory_info().rss - before < 2**30
