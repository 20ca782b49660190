"""Files' bytes in the object store: a folder, or S3, Google or Azure by URL; each tenant's under its own prefix.

obstore's blocking calls run in threads of ours. Its asynchronous ones end on a thread of their own, which now
and then aborts a process that exits just then (PyO3/pyo3-async-runtimes#40), and when cancelled they leave
behind the task that they read from.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from storage.errors import Invalid, NotFound, Unavailable
from storage.object_folder import drop_drafts, folder_of, make_last
from storage.received import Received, receive

if TYPE_CHECKING:
    # obstore has these for type checkers only.
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

R = TypeVar("R")

# The smallest part that S3 takes; two at a time are what an upload holds in memory.
PART_BYTES = 5 * 1024 * 1024
PARTS_AT_ONCE = 2
CHUNK_BYTES = 1024 * 1024
THREADS = 8

_NOWHERE = "there is no place for files: set OBJECT_STORE_URL"
_NAME = re.compile(r"[0-9a-f]{32}")
# Each request is for a part or a chunk, so `timeout` is for all of it. Plain http is the choice of who set such an
# endpoint.
_CLIENT: ClientConfig = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=10),
    "timeout": timedelta(seconds=20),
    "allow_http": True,
}
_RETRIES: RetryConfig = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that was put; `size` in bytes, as measured."""

    key: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class OpenObject:
    """An object to read: its `chunks` come once, of at most `CHUNK_BYTES`, and are closed by who reads them."""

    size: int
    chunks: AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as the store lists it; `stored_at` by the store's clock."""

    key: str
    size: int
    stored_at: datetime


def object_key(tenant_id: UUID, name: str) -> str:
    """The one way to a key: the tenant's prefix, and 128 random bits that nobody can guess."""
    return f"tenants/{tenant_id}/{name}"


class Objects:
    """Puts, reads, lists and deletes one tenant's objects; another tenant's key is refused like an unknown one.

    A put is whole or not there at all. Every method raises Unavailable when the store cannot be reached, or
    when there is none.
    """

    def __init__(self, store: ObjectStore | None, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="objects")

    @classmethod
    def open(cls, place: str | Path | None) -> Objects:
        """`place` is an OBJECT_STORE_URL, a folder (made if it is missing, closed to others), or None for none.

        Nothing is asked of a remote store yet. Raises Invalid for an address that cannot be used.
        """
        if place is None:
            return cls(None)
        if isinstance(place, str) and not place.startswith("file:"):
            try:
                return cls(from_url(place, client_options=_CLIENT, retry_config=_RETRIES))
            except (BaseError, ValueError) as error:
                raise Invalid(f"OBJECT_STORE_URL cannot be used: {_reason(error)}") from None
        folder = place if isinstance(place, Path) else folder_of(place)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(LocalStore(folder), folder)
        except (BaseError, OSError) as error:
            raise Invalid(f"the folder {folder} for files cannot be used: {_reason(error)}") from None

    def close(self) -> None:
        """Start nothing more; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def put(
        self, tenant_id: UUID, content: bytes | AsyncIterable[bytes], *, limit_bytes: int
    ) -> StoredObject:
        """Store `content` under a new key. Raises Invalid like `receive`, and then nothing was stored."""
        async with receive(content, limit_bytes=limit_bytes) as received:
            return await self.put_received(tenant_id, received)

    async def put_received(self, tenant_id: UUID, received: Received) -> StoredObject:
        """Store what was received under a new key."""
        key = object_key(tenant_id, secrets.token_hex(16))
        received.file.seek(0)
        await self._run(obstore.put, key, received.file, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        if self._folder is not None:
            await self._in_thread(make_last, self._folder, key)
        return StoredObject(key, received.size, received.sha256)

    async def get(self, tenant_id: UUID, key: str) -> OpenObject:
        """Open an object. Raises NotFound; its chunks raise that, too, when it is deleted meanwhile."""
        owned = _owned(tenant_id, key)
        size, first = await self._run(_read_first, owned)

        # A chunk at a time, so that a slow reader holds no connection; what a key names never changes.
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield first
            for start in range(CHUNK_BYTES, size, CHUNK_BYTES):
                yield await self._run(_read, owned, start, min(start + CHUNK_BYTES, size))

        return OpenObject(size, chunks())

    async def delete(self, tenant_id: UUID, key: str) -> None:
        """Delete an object; one that is gone already is fine. Raises NotFound for no key of the tenant's."""
        owned = _owned(tenant_id, key)
        try:
            await self._run(obstore.delete, owned)
        except NotFound:
            return

    async def list_all(self, tenant_id: UUID) -> AsyncIterator[ListedObject]:
        """Every object of the tenant, in no order."""
        batches = iter(await self._run(obstore.list, object_key(tenant_id, "")))
        while (batch := await self._in_thread(next, batches, None)) is not None:
            for each in batch:
                yield ListedObject(each["path"], each["size"], each["last_modified"])

    async def drop_drafts(self, tenant_id: UUID, before: datetime) -> int:
        """Remove what puts of killed processes left half written in the folder; returns how much.

        A remote store keeps such parts out of sight: a rule of its own ("abort incomplete multipart uploads")
        removes them.
        """
        if self._folder is None:
            return 0
        return await self._in_thread(drop_drafts, self._folder / object_key(tenant_id, ""), before)

    async def _run(self, call: Callable[..., R], *arguments: Any, **more: Any) -> R:
        if self._store is None:
            raise Unavailable(_NOWHERE)
        return await self._in_thread(call, self._store, *arguments, **more)

    async def _in_thread(self, call: Callable[..., R], *arguments: Any, **more: Any) -> R:
        loop = asyncio.get_running_loop()
        with _reachable():
            return await loop.run_in_executor(self._threads, partial(call, *arguments, **more))


def _read_first(store: ObjectStore, key: str) -> tuple[int, bytes]:
    result = obstore.get(store, key, options={"range": (0, CHUNK_BYTES)})
    return result.meta["size"], bytes(result.bytes())


def _read(store: ObjectStore, key: str, start: int, end: int) -> bytes:
    return bytes(obstore.get_range(store, key, start=start, end=end))


@contextmanager
def _reachable() -> Iterator[None]:
    """Map what obstore and the disk raise, in one line."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("there is no such file in the object store") from None
    except (BaseError, OSError) as error:
        raise Unavailable(
            f"the object store is not available: {_reason(error)}; check OBJECT_STORE_URL"
        ) from error


def _owned(tenant_id: UUID, key: str) -> str:
    name = key.rpartition("/")[2]
    if not _NAME.fullmatch(name) or key != object_key(tenant_id, name):
        raise NotFound("there is no such file in the object store")
    return key


def _reason(error: Exception) -> str:
    # obstore adds pages for programmers; and a query may hold a signature.
    return re.sub(r"\?\S+", "?…", (str(error).splitlines() or [type(error).__name__])[0])
