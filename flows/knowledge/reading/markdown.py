"""Markdown as it is kept: what its front matter says, and its text without HTML.

Where code begins and ends decides what is HTML, and readers of Markdown differ there. So code is believed where
all of them agree, and elsewhere its tags go as well.
"""

from __future__ import annotations

import re

from flows.knowledge.documents import is_link, names, tidied

_LONGEST_FRONT = 20_000
_PASSES = 4
_FENCE = re.compile(r"( *)(`{3,}|~{3,})")
# A fence behind a bullet, a quote or a tab ends by rules that depend on what surrounds it.
_DOUBTFUL_FENCE = re.compile(
    r"^(?:[ \t]*(?:[>*+-]|\d{1,9}[.)]))+[ \t]*(?:```|~~~)|^ *\t[ \t]*(?:```|~~~)", re.MULTILINE
)
_TICKS = re.compile("`+")
_COMMENT_LINE = re.compile(r"^ {0,3}<!--", re.MULTILINE)
# Addresses, and placeholders such as <name>, which have no attribute that could act.
_HARMLESS = re.compile(
    r"<(?:https?://|mailto:)[^\s<>`]{1,1000}>|<[\w.+-]{1,64}@[\w.-]{1,100}>|<([A-Za-z][\w-]{0,40})(?: [\w -]{0,40})?>"
)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?:[\s/][^<>]{0,4000})?>|<[!?][^<>]{0,4000}>")
_NO_TAG = frozenset(" \n=-0123456789")
_ACTING = frozenset({"script", "style", "template", "iframe", "object", "embed", "svg", "math", "noscript"})
_HTML = _ACTING | names(
    """a abbr address article aside audio b base big blockquote body br button canvas caption center cite code col
    dd del details dfn dialog div dl dt em fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5
    h6 head header hr html i img input ins kbd label legend li link main map mark menu meta nav ol optgroup option p
    param picture pre q s samp section select slot small source span strong sub summary sup table tbody td textarea
    tfoot th thead title tr tt u ul var video wbr xmp"""
)
_LEADS = re.compile(r"\](?=[(:][\s>]{0,100}<?([^\s)]{0,100}))")


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """The plain `key: value` lines between `---` at the text's head, and what follows them."""
    if not text.startswith("---\n"):
        return {}, text
    end = re.compile(r"^(?:---|\.\.\.)$", re.MULTILINE).search(text, 4, 4 + _LONGEST_FRONT)
    if end is None:
        return {}, text
    given: dict[str, str] = {}
    for line in text[4 : end.start()].split("\n"):
        key, colon, value = line.partition(":")
        if colon and key == key.strip():
            given[key.lower()] = value.strip().strip("\"'").strip()
    return given, text[end.end() :].lstrip("\n")


def without_html(text: str) -> str:
    """Tidied Markdown in which nothing outside of code is HTML, and no link runs a script."""
    for _ in range(_PASSES):
        parts = None if _DOUBTFUL_FENCE.search(text) else _parts(text)
        if parts is None:
            break
        cleaned = "\n".join(part if is_code else _cleaned(part, trusting=True) for is_code, part in parts)
        if cleaned == text:
            return text
        # What went may have left something else at the head of a line: it is read again as it is now.
        text = tidied(cleaned)
    return tidied(_cleaned(text, trusting=False))


def _parts(text: str) -> list[tuple[bool, str]] | None:
    """The text in runs of lines, inside fences (True) and outside; None where readers would differ."""
    parts: list[tuple[bool, str]] = []
    lines: list[str] = []
    fence, indent = "", 0
    for line in text.split("\n"):
        marks = _FENCE.match(line)
        if fence:
            lines.append(line)
            ends = marks is not None and marks[2].startswith(fence) and marks.end() == len(line)
            inner = len(line) - len(line.lstrip(" "))
            if (line and inner < indent) or (ends and inner != indent):
                return None
            if ends:
                parts.append((True, "\n".join(lines)))
                lines, fence = [], ""
        elif marks and not (marks[2][0] == "`" and "`" in line[marks.end() :]):
            if len(marks[1]) > 3 and lines and lines[-1]:
                return None
            parts += [(False, "\n".join(lines))] if lines else []
            lines, fence, indent = [line], marks[2], len(marks[1])
        else:
            lines.append(line)
    parts += [(bool(fence), "\n".join(lines))] if lines else []
    return parts


def _cleaned(text: str, *, trusting: bool) -> str:
    """Text outside of fences, without comments and tags."""
    return "\n\n".join(
        _paragraph(each, _code(each) if trusting else {}) for each in _without_comments(text).split("\n\n")
    )


def _without_comments(text: str) -> str:
    """Without the comments that begin a line; others end in their paragraph."""
    kept: list[str] = []
    at = 0
    while (begins := _COMMENT_LINE.search(text, at)) and (end := text.find("-->", begins.end())) >= 0:
        kept.append(text[at : begins.start()])
        at = end + 3
    return "".join(kept) + text[at:]


def _code(paragraph: str) -> dict[int, int]:
    """Where inline code begins and ends; none where a line leaves a doubt about it."""
    if "\\`" in paragraph:
        return {}
    code: dict[int, int] = {}
    start = 0
    for line in paragraph.split("\n"):
        opened: re.Match[str] | None = None
        for ticks in _TICKS.finditer(line):
            if opened is None:
                opened = ticks
            elif len(opened[0]) == len(ticks[0]):
                code[start + opened.start()] = start + ticks.end()
                opened = None
        if opened is not None:
            return {}
        start += len(line) + 1
    return code


def _paragraph(text: str, code: dict[int, int]) -> str:
    kept: list[str] = []
    at = 0
    endless: set[str] = set()
    places = re.compile("[`<]") if code else re.compile("<")
    while found := places.search(text, at):
        start = found.start()
        kept.append(text[at:start])
        if start in code:
            at = code[start]
            kept.append(text[start:at])
        elif found[0] == "`":
            at = start + 1
            kept.append("`")
        else:
            words, at = _at_angle(text, start, endless)
            # Alone at the head of a line, any tag makes what follows it HTML.
            kept.append(words if not words.startswith("<") or _is_in_line(kept) else f"&lt;{words[1:]}")
    kept.append(text[at:])
    # Only now: what stood between two parts of an address may have gone.
    return without_acting_links("".join(kept))


def _is_in_line(kept: list[str]) -> bool:
    """Whether words stand before the place that was reached, on its line."""
    for piece in reversed(kept):
        line = piece.rpartition("\n")[2]
        if any(c.isalnum() for c in line):
            return True
        if len(line) < len(piece):
            return False
    return False


def _at_angle(text: str, at: int, endless: set[str]) -> tuple[str, int]:
    """What is kept of the `<` at a place, and where to go on. `endless` names what was found not to end."""
    following = text[at + 1 : at + 2]
    if not (following.isalpha() or following in ("/", "!", "?")):
        # What follows may vanish, so a bare `<` stays only before what no tag begins with.
        return ("<" if following in _NO_TAG else "&lt;"), at + 1
    kept = _HARMLESS.match(text, at)
    if kept and (kept[1] is None or kept[1].lower() not in _HTML):
        return kept[0], kept.end()
    if text.startswith("<!--", at):
        end = text.find("-->", at) if "!--" not in endless else -1
        if end >= 0:
            return "", end + 3
        endless.add("!--")
    if tag := _TAG.match(text, at):
        name = (tag[2] or "").lower()
        if name in _ACTING and not tag[1] and name not in endless:
            if end_tag := re.compile(rf"</{name}[^<>]{{0,100}}>", re.IGNORECASE).search(text, tag.end()):
                return "", end_tag.end()
            endless.add(name)
        return "\n" if name == "br" else "", tag.end()
    return "&lt;", at + 1


def without_acting_links(text: str) -> str:
    """Markdown whose links lead to pages, paths and people only."""
    # With a blank behind the bracket it is neither a link nor a definition, wherever the line stands.
    return _LEADS.sub(lambda found: "]" if _may_stay(found[1]) else "] ", text)


def _may_stay(target: str) -> bool:
    """Whether an address leads to a page. An entity or a backslash can spell any scheme, and is in no real one."""
    scheme = target.strip().lstrip("<").partition("/")[0].partition("?")[0]
    return not ({"&", "\\"} & set(scheme)) and is_link(scheme)
