"""PARLEY_SECRET_KEY: the root keys, what is derived from them, and the file that `run` keeps one in."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.values import secret_key
from storage.errors import SecretMissing
from storage.sealing import KEY_BYTES, DataKey, Sealer

FILE_NAME = "secret.key"


class Secrets:
    """The root keys, 32 bytes each: the first writes, all read."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise SecretMissing("PARLEY_SECRET_KEY is not set: make one with `openssl rand -base64 32`")
        self._keys = tuple(keys)
        self._wrapping = tuple(_wrapping_key(key) for key in self._keys)

    def sealer(self, tenant_id: UUID) -> Sealer:
        """What wraps and unwraps a tenant's key."""
        return Sealer(tenant_id, "PARLEY_SECRET_KEY", self._wrapping)

    def derive(self, purpose: str) -> bytes:
        """32 bytes of the current key for one purpose (HKDF, RFC 5869): a pepper, a signing key."""
        return _hkdf(self._keys[0], purpose)

    def derive_each(self, purpose: str) -> tuple[bytes, ...]:
        """The same of every key, the current one first: what older keys signed stays valid through a rotation."""
        return tuple(_hkdf(key, purpose) for key in self._keys)


def load_or_create_secret(data_dir: Path, *, database_has_keys: bool) -> bytes:
    """The key that `run` keeps in its data folder, made once when there is none.

    It is not made when the database already has wrapped keys, since nothing could open them with a new one.
    Raises SecretMissing then, and when the file holds no key or cannot be read or written.
    """
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            if database_has_keys:
                raise SecretMissing(
                    f"{path} is missing and the database was sealed with it: put the file back, "
                    "or set PARLEY_SECRET_KEY to the key that was in it"
                )
            create_once(path)
        # A copy or a backup may have come back readable by others.
        path.chmod(0o600)
        text = path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        text = ""
    except OSError as error:
        raise SecretMissing(
            f"{path} cannot be read or written ({error.strerror}): give this user access"
        ) from None
    try:
        return secret_key(text)
    except ValueError:
        raise SecretMissing(
            f"{path} holds no key of 32 bytes: put back the file as it was made, or set PARLEY_SECRET_KEY"
        ) from None


def create_once(path: Path) -> None:
    """Write a new key to `path` unless a key is there by then. Raises OSError."""
    # Written whole under another name and linked, so that a kill leaves no half key and two processes
    # that start together agree on one.
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _wrapping_key(secret: bytes) -> DataKey:
    # The id is derived too, so a wrapped key says which secret it needs without telling anything of it.
    return DataKey.of(UUID(bytes=_hkdf(secret, "id")[:16]), _hkdf(secret, "wrap"))


def _hkdf(secret: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"parley:" + purpose.encode()).derive(secret)
