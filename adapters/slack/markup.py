"""From Slack's markup to the words that a person wrote.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flows.vocabulary import clean

# As long as Slack lets a message be; what is written is not cut before that.
MAX_TEXT = 40_000
_TOKEN = re.compile(r"<([^<>]*)>")
_SCHEME = re.compile(r"\A(?:mailto:|tel:|https?://)")
_LONGEST_CALL = 200


def plain(text: str, names: Mapping[str, str] | None = None, us: str | None = None) -> str:
    """The text with mentions, links and escapes as they are read. `names` are people's, by user id.

    A mention of `us`, the bot, is dropped where it only calls the bot: first or last in the text.
    """
    text = clean(text[:MAX_TEXT])
    if us is not None:
        text = _without_call(text, us)
    known = names or {}
    text = _TOKEN.sub(lambda token: _read(token[1], known), text)
    # In this order, or what was typed as `&lt;` would become `<`.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mentions(text: str, user: str | None) -> bool:
    """Whether the markup mentions the user; what was merely typed like a mention is escaped and does not count."""
    return user is not None and re.search(rf"<@{re.escape(user)}(\||>)", text) is not None


def _without_call(text: str, us: str) -> str:
    call = rf"<@{re.escape(us)}(?:\|[^<>]*)?>"
    text = re.sub(rf"\A(?:\s*{call}[,:]?)+\s*", "", text)
    # Only the end is searched: a search from the front takes the square of a long blank's length.
    end = text.rstrip()
    last = re.search(rf"{call}\Z", end[-_LONGEST_CALL:])
    return end[: len(end) - len(last[0])].rstrip() if last else text


def _read(token: str, names: Mapping[str, str]) -> str:
    target, _, label = token.partition("|")
    kind, rest = target[:1], target[1:]
    if kind == "@":
        return f"@{names.get(rest) or label or rest}"
    if kind == "#":
        return f"#{label or rest}"
    if kind == "!":
        return _special(rest, label)
    return _link(target, label)


def _special(command: str, label: str) -> str:
    """`<!here>`, `<!subteam^S1|@ops>`, `<!date^…|yesterday>`."""
    name, _, argument = command.partition("^")
    if name == "subteam":
        return f"@{(label or argument).lstrip('@')}"
    if name in ("here", "channel", "everyone"):
        return f"@{name}"
    return label or name


def _link(url: str, label: str) -> str:
    address = _SCHEME.sub("", url).removesuffix("/")
    if not label or label == url:
        return url if "://" in url else address
    return label if label.removesuffix("/") == address else f"{label} ({url})"
