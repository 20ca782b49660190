"""Reading a file from a public address that a reply names: no private network, no endless body."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

_LIMIT_S = 10.0
_MOST_REDIRECTS = 3
_CHUNK = 64 * 1024
_REDIRECTS = {301, 302, 303, 307, 308}


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet, also where IPv6 wraps another."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if wrapped is not None:
            return is_public(str(wrapped))
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast


class PublicFiles:
    """Fetches without credentials. `allows` judges every address that is connected to."""

    def __init__(self, *, allows: Callable[[str], bool] = is_public) -> None:
        self._allows = allows

    async def read(self, url: str, limit_bytes: int) -> bytes | None:
        """The file; None for what is not there, not public or larger than the limit. Raises nothing."""
        connector = TCPConnector(resolver=_Guarded(self._allows), use_dns_cache=False, force_close=True)
        timeout = ClientTimeout(total=_LIMIT_S)
        try:
            async with ClientSession(
                connector=connector,
                timeout=timeout,
                auto_decompress=False,
                headers={"Accept-Encoding": "identity"},
            ) as http:
                for _ in range(_MOST_REDIRECTS + 1):
                    if not self._may_ask(url):
                        return None
                    async with http.get(url, allow_redirects=False) as answer:
                        if answer.status in _REDIRECTS and "Location" in answer.headers:
                            url = urljoin(url, answer.headers["Location"])
                            continue
                        if answer.status != 200 or answer.headers.get("Content-Encoding"):
                            return None
                        return await _body(answer.content.iter_chunked(_CHUNK), limit_bytes)
        except (ClientError, TimeoutError, OSError, ValueError):
            return None
        return None

    def _may_ask(self, url: str) -> bool:
        """A host that is an address itself never comes to the resolver."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            return False
        try:
            return self._allows(parts.hostname)
        except ValueError:
            return True


async def _body(chunks: AsyncIterator[bytes], limit_bytes: int) -> bytes | None:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit_bytes:
            return None
    return bytes(body)


class _Guarded(AbstractResolver):
    def __init__(self, allows: Callable[[str], bool]) -> None:
        self._allows = allows
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(self._allows(each["host"]) for each in found):
            raise OSError("not a public address")
        return found

    async def close(self) -> None:
        await self._resolver.close()
