"""Sealing: AES-256-GCM, each ciphertext bound to the one place it belongs to.

A sealed value is `format (1 byte) | key id (16) | nonce (12) | ciphertext and tag`. The associated data binds
tenant, table, column and row, so a value that is moved elsewhere fails to open. Nonces are random: a key may
seal 2^32 values (NIST SP 800-38D §8.3), and there is a key for each user.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.errors import KeyMissing, SealBroken

KEY_BYTES = 32

_FORMAT = 1
_NONCE_BYTES = 12
_HEADER_BYTES = 1 + 16
_SHORTEST = _HEADER_BYTES + _NONCE_BYTES + 16


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key and the id that its ciphertexts carry."""

    id: UUID
    cipher: AESGCM = field(repr=False)

    @classmethod
    def of(cls, key_id: UUID, secret: bytes) -> DataKey:
        """The key `secret` (32 bytes) under the name `key_id`."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes, not {len(secret)}")
        return cls(key_id, AESGCM(secret))


class Sealer:
    """Seals with the current key of one owner (a tenant or a user), opens with any that the owner had.

    `keys` has the current one first.
    """

    __slots__ = ("_current", "_keys", "_owner", "tenant_id")

    def __init__(self, tenant_id: UUID, owner: str, keys: Sequence[DataKey]) -> None:
        self.tenant_id = tenant_id
        self._owner = owner
        self._current = keys[0]
        self._keys = {key.id: key for key in keys}

    def seal(self, table: str, column: str, row_id: UUID | str, plain: bytes) -> bytes:
        """Encrypt `plain` for that place and no other."""
        header = bytes([_FORMAT]) + self._current.id.bytes
        nonce = os.urandom(_NONCE_BYTES)
        place = _place(header, self.tenant_id, table, column, row_id)
        return header + nonce + self._current.cipher.encrypt(nonce, plain, place)

    def open(self, table: str, column: str, row_id: UUID | str, sealed: bytes) -> bytes:
        """Decrypt what was sealed for that place.

        Raises KeyMissing (the key it names is not this owner's, or was erased) and SealBroken (altered, cut
        short, or moved from another tenant, table, column or row).
        """
        key_id = key_of(sealed)
        key = self._keys.get(key_id)
        if key is None:
            raise KeyMissing(
                f"{table}.{column} is sealed with key {key_id}, which {self._owner} does not have"
            )
        header = sealed[:_HEADER_BYTES]
        nonce = sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        body = sealed[_HEADER_BYTES + _NONCE_BYTES :]
        try:
            return key.cipher.decrypt(nonce, body, _place(header, self.tenant_id, table, column, row_id))
        except InvalidTag:
            raise SealBroken(f"a sealed {table}.{column} was altered or moved") from None

    @property
    def writes_with(self) -> UUID:
        """The id of the key that seals from now on."""
        return self._current.id


def key_of(sealed: bytes) -> UUID:
    """The id of the key that `sealed` names. Raises SealBroken if it is no sealed value."""
    if len(sealed) < _SHORTEST or sealed[0] != _FORMAT:
        raise SealBroken("not a sealed value of a format that this version knows")
    return UUID(bytes=bytes(sealed[1:_HEADER_BYTES]))


def _place(header: bytes, tenant_id: UUID, table: str, column: str, row_id: UUID | str) -> bytes:
    # Lengths go first, so that no two places run together into the same bytes.
    parts = (tenant_id.bytes, table.encode(), column.encode(), str(row_id).encode())
    return header + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
