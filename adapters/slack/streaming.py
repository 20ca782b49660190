"""What to append next to a streamed answer. Pure.

A stream takes Markdown (`chat.appendStream`, `markdown_text`), and Slack reads all of it together: half a bold
word may come in one piece and half in the next, as in slack_sdk's own example (AsyncWebClient.chat_stream). So
only two things must not be cut: what would become a mention, and what is open where a message ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.slack.graphemes import boundary
from adapters.slack.splitting import BUDGET, counted

# `appendStream` takes 12,000 (https://docs.slack.dev/reference/methods/chat.appendStream).
LONGEST_PIECE = 8_000
# A message that holds so much ends with its paragraph, rather than in the midst of a later one.
_ENOUGH = BUDGET * 3 // 4
# Invisible, and no character of a mention: between `<` and `!` nothing is announced and all is read as it was.
_JOINER = "\u2060"
_MENTION = re.compile(
    r"(?i)(?:<|&lt;|&#0*60;|&#x0*3c;)(?=\\*[!@#&])|@(?=(?:here|channel|everyone)(?![^\W_]))"
)
# The end of a text of which more would be needed to know what it is: a mention, an entity, a link.
_UNSETTLED = re.compile(
    r"(?i)(?:(?:<|&[#a-z0-9]{0,8};?)\\*|@(?:h(?:er?)?|c(?:h(?:a(?:n(?:ne?)?)?)?)?|e(?:v(?:e(?:r(?:y(?:on?)?)?)?)?)?)?"
    r"|@(?:here|channel|everyone)|!?\[[^\[\]\n]{0,300}(?:\](?:\([^()\s]{0,1000})?)?)\Z"
)
_LONGEST_UNSETTLED = 1_400
_FENCE = re.compile(r"^ {0,3}(`{3,40}(?!`)|~{3,40}(?!~))([^`\n]{0,100})$", re.MULTILINE)
# Possessive, and begun only where a run begins: a long run of one character must not cost its square.
_WHOLE = re.compile(
    r"!?\[[^\[\]\n]*+\]\([^()\s]*+\)|(?<!`)`++[^`\n]++`++|(?<!\*)\*\*[^*\n]++\*\*|(?<!~)~~[^~\n]++~~|https?://\S++"
)
# Between paragraphs, lines outside of tables, lines, sentences, words. The first two never within code.
_BREAKS = [
    re.compile(each)
    for each in (r"\n[ \t]*\n+", r"\n(?![ \t]*\|)", r"\n", r"[.!?…][\"')\]]*\s+|[。！？]", r"\s+")
]


@dataclass(frozen=True, slots=True)
class Sent:
    """How far a text has been sent: `upto` in characters of it, and where in it the message under way `began`.

    Both are the same where the next piece begins a message.
    """

    upto: int = 0
    began: int = 0


@dataclass(frozen=True, slots=True)
class StreamPiece:
    """What to append, and how far the text has got with it; `new_message`: the one under way is full."""

    markdown: str
    sent: Sent
    new_message: bool = False


def stream_pieces(text: str, already_sent: Sent, *, done: bool = False) -> list[StreamPiece]:
    """The pieces to append now, in order; the text so far must begin with what was sent.

    Until it is `done`, an end that may yet become a mention or a link is held back. No piece is longer than
    8,000 characters and no message than a posted one. A block of code that goes on in another message is
    closed and opened again.
    """
    end = len(text) if done else _settled(text)
    pieces: list[StreamPiece] = []
    sent = already_sent
    while True:
        if sent.upto == sent.began > 0:  # a message does not begin with the blank that the last one ended at
            begin = end - len(text[sent.began : end].lstrip("\n"))
            sent = Sent(begin, begin)
        if sent.upto >= end or (sent.upto == sent.began and text[sent.upto : end].isspace()):
            return pieces
        full_at = _message_end(text, sent, end, done)
        pieces += _appended(text, sent, end if full_at is None else full_at, is_full=full_at is not None)
        if full_at is None:
            return pieces
        sent = Sent(full_at, full_at)


def rotated(text: str, sent: Sent) -> tuple[str | None, Sent]:
    """What closes a message that ends before it is full, all of it being sent; and where the next one begins."""
    return _closing(text, sent.upto) or None, Sent(sent.upto, sent.upto)


def inert(text: str, start: int = 0, stop: int | None = None) -> str:
    """The Markdown between two places of a text, looking the same, without anything in it that mentions anybody."""
    stop = len(text) if stop is None else stop
    made, done = [], start
    # What follows the place counts too: `<` is the last of this piece, and `!here>` begins the next.
    for found in _MENTION.finditer(text, start):
        if found.end() > stop:
            break
        made += [text[done : found.end()], _JOINER]
        done = found.end()
    return "".join([*made, text[done:stop]])


def _message_end(text: str, sent: Sent, end: int, done: bool) -> int | None:
    """Where the message under way ends; None if it takes all that there is."""
    limit = _reach(text, sent.began, BUDGET)
    if end <= limit and done:
        return None
    enough = max(sent.upto, _reach(text, sent.began, _ENOUGH))
    at = _paragraph_end(text, enough, min(end, limit))
    if at is None and end > limit:
        at = _cut_place(text, max(sent.upto, sent.began + (limit - sent.began) // 2), limit)
    return at


def _appended(text: str, sent: Sent, end: int, *, is_full: bool) -> list[StreamPiece]:
    """The text up to `end`, for one message; one that is full closes its code, and the next begins behind it."""
    made: list[StreamPiece] = []
    start = sent.upto
    while start < end:
        stop = end if end - start <= LONGEST_PIECE // 2 else _quiet(text, start, start + LONGEST_PIECE // 2)
        begins = start == sent.began > 0
        is_last = is_full and stop == end
        markdown = (_opening(text, start) if begins else "") + inert(text, start, stop)
        reached = Sent(stop, stop if is_last else sent.began)
        made.append(StreamPiece(markdown + (_closing(text, stop) if is_last else ""), reached, begins))
        start = stop
    return made


def _settled(text: str) -> int:
    found = _UNSETTLED.search(text, max(0, len(text) - _LONGEST_UNSETTLED))
    return found.start() if found else len(text)


def _quiet(text: str, start: int, stop: int) -> int:
    """A place up to `stop` where nothing is begun that the next piece would make a mention."""
    found = _UNSETTLED.search(text[start:stop])
    return start + found.start() if found and found.start() else boundary(text, stop)


def _reach(text: str, began: int, budget: int) -> int:
    """Up to where a message that began there may hold the text."""
    room = budget - 2 * len(_opening(text, began)) - 10
    at = began
    while at < len(text):
        step = text[at : at + 200]
        if _size(step) > room:
            step = step[:1]
        if (room := room - _size(step)) < 0:
            return max(at, began + 1)
        at += len(step)
    return len(text)


def _size(text: str) -> int:
    """As Slack counts it, with a joiner for all that may get one."""
    return counted(text) + sum(map(text.count, "<@&"))


def _paragraph_end(text: str, start: int, stop: int) -> int | None:
    """The last end of a paragraph outside of code between the places; a message that has enough ends there."""
    fenced = _fenced(text, stop)
    for found in reversed(list(_BREAKS[0].finditer(text, start, stop))):
        at = found.start()
        if at > start and not any(begin < at < end for begin, end in fenced):
            return at
    return None


def _cut_place(text: str, start: int, limit: int) -> int:
    """The best end for a message between the two places, by `_BREAKS`; else between two characters."""
    whole = [found.span() for found in _WHOLE.finditer(text, start, limit + 500)]
    fenced = _fenced(text, limit)
    for level, breaks in enumerate(_BREAKS):
        for found in reversed(list(breaks.finditer(text, start, limit))):
            at = found.start() if level < 3 else found.end()
            if at <= start or any(begin < at < end for begin, end in whole):
                continue
            if level < 2 and any(begin < at < end for begin, end in fenced):
                continue
            return at
    at = boundary(text, limit)
    return next((begin for begin, end in whole if start < begin < at < end), max(at, start))


def _fenced(text: str, limit: int) -> list[tuple[int, int]]:
    """Where blocks of code stand in the text up to the limit: from, to."""
    blocks: list[tuple[int, int]] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text, 0, limit):
        if opened is None:
            opened = fence
        elif fence[1][0] == opened[1][0] and len(fence[1]) >= len(opened[1]) and not fence[2].strip():
            blocks.append((opened.start(), fence.end()))
            opened = None
    return [*blocks, (opened.start(), len(text) + 1)] if opened else blocks


def _open_fence(text: str, at: int) -> re.Match[str] | None:
    """The fence of the block of code that the place is inside of."""
    around = next((begin for begin, end in _fenced(text, at) if begin < at < end), None)
    return None if around is None else _FENCE.match(text, around)


def _opening(text: str, at: int) -> str:
    fence = _open_fence(text, at)
    return f"{fence[0]}\n" if fence else ""


def _closing(text: str, at: int) -> str:
    fence = _open_fence(text, at)
    return f"\n{fence[1]}" if fence else ""
