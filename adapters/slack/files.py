"""Files that people share: named when the message is accepted, fetched when its turn begins.

Three seconds are not enough to fetch a file, and what was accepted must not be lost because of one.
https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

from adapters.errors import PlatformFailed
from adapters.slack.calling import BotTokens, SlackCalls
from adapters.slack.parse_messages import slack_file_url
from adapters.slack.places import SharedFile
from adapters.slack.untrusted import Given, entries, ident, record, text
from storage.records import Channel, Json

LARGEST_FILE_BYTES = 20_000_000
MOST_FILES = 10
_NAMED = "slack_files"
_LIMIT_S = 60.0
_MOST_HOPS = 3
_REDIRECTS = (301, 302, 303, 307, 308)


def named_files(files: Sequence[SharedFile]) -> Json:
    """What the queue keeps of a message's files until they are fetched; None for none. At most ten are taken."""
    if not files:
        return None
    return {
        _NAMED: [
            {"id": each.id, "name": each.name, "type": each.type, "size": each.size, "url": each.url}
            for each in files[:MOST_FILES]
        ]
    }


def read_named(payload: Json) -> tuple[SharedFile, ...]:
    """The files that `named_files` named."""
    given = record(payload)
    found = (_file(record(each)) for each in entries(given, _NAMED, MOST_FILES))
    return tuple(each for each in found if each is not None)


class Downloads:
    """Fetches files of Slack's, and of nobody else's, with the token of the channel's installation."""

    def __init__(self, calls: SlackCalls, tokens: BotTokens, api_base_url: str) -> None:
        self._calls = calls
        self._tokens = tokens
        api = urlsplit(api_base_url)
        is_slack = (api.hostname or "").endswith((".slack.com", ".slack-gov.com"))
        # Whoever plays Slack here gives its files out, too.
        self._player = None if is_slack else (api.scheme, api.netloc)

    @asynccontextmanager
    async def open(self, channel: Channel, file: SharedFile) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of a file, as they come. Raises PlatformFailed (`permanent`: it will never come), Unavailable."""
        if (file.size or 0) > LARGEST_FILE_BYTES:
            raise _failed("too_large", f"{file.size} bytes are more than are taken")
        url = file.url or await self._ask(channel, file)
        token = await self._tokens.of(channel)
        timeout = ClientTimeout(total=_LIMIT_S, sock_connect=10, sock_read=15)
        try:
            async with (
                ClientSession(timeout=timeout, cookie_jar=DummyCookieJar()) as session,
                self._get(session, token, url) as response,
            ):
                if response.content_type == "text/html" and file.type != "text/html":
                    # Slack's page to sign in, which says 200.
                    raise _failed(
                        "missing_scope", "the app may not read files: it needs the scope files:read"
                    )
                yield response.content.iter_any()
        except (ClientError, TimeoutError, OSError) as error:
            raise _failed("unreachable", str(error) or type(error).__name__, permanent=False) from None

    @asynccontextmanager
    async def _get(self, session: ClientSession, token: str, url: str) -> AsyncIterator[ClientResponse]:
        """The answer of the last address. Redirects are followed within Slack only, as the token goes along."""
        for _ in range(_MOST_HOPS):
            if not self._is_slacks(url):
                raise _failed("elsewhere", "it is not at an address of Slack's")
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status in _REDIRECTS:
                    url = urljoin(url, response.headers.get("Location", ""))
                    continue
                if response.status != 200:
                    passing = response.status == 429 or response.status >= 500
                    raise _failed(f"http_{response.status}", "it is not given out", permanent=not passing)
                yield response
                return
        raise _failed("elsewhere", "it is sent on and on")

    async def _ask(self, channel: Channel, file: SharedFile) -> str:
        """A file of another organisation comes with its id alone: https://docs.slack.dev/reference/methods/files.info"""
        found = record(await self._calls.call(channel, "files.info", {"file": file.id}), "file")
        url = text(found, "url_private_download") or text(found, "url_private")
        if url is None:
            raise _failed("no_address", "Slack tells no address of it")
        return url

    def _is_slacks(self, url: str) -> bool:
        if slack_file_url(url) is not None:
            return True
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return (parts.scheme, parts.netloc) == self._player


def _file(given: Given) -> SharedFile | None:
    file_id, size = ident(given, "id"), given.get("size")
    if file_id is None:
        return None
    return SharedFile(
        file_id,
        text(given, "name") or file_id,
        text(given, "type") or "application/octet-stream",
        size if type(size) is int else None,
        text(given, "url"),
    )


def _failed(code: str, told: str, *, permanent: bool = True) -> PlatformFailed:
    return PlatformFailed("a file of Slack's", code, permanent=permanent, told=told)
