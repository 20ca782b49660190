"""Errors of the storage.

StorageError
├── Unavailable      Postgres, Redis or the object store cannot be reached now; trying again may help
├── LeaseLost        another worker holds the session, or the entry is gone; write nothing
├── VersionRace      the state changed since the turn began; run the turn again
├── HandedOver       the session went into other hands since the turn began; run the turn again
├── MovedOn          what the turn was to take up from another session is there no more; run the turn again
├── SealNeeded       the session takes sealed input only; seal and accept again
├── KeyMissing       a data key is missing or was erased; it is never made anew
├── SealBroken       a sealed value was moved or altered, or its key is another
├── SecretMissing    PARLEY_SECRET_KEY is not there, or its file is lost; it is not made anew
├── WrongSecret      PARLEY_SECRET_KEY is not the one that the database was sealed with
├── UnsafeRole       the runtime's database role could look past row-level security
├── SchemaMismatch   the database is not migrated to what this version needs
├── Invalid          a name, setting or file that cannot be stored; says what is allowed
│   ├── TooLarge     a file with more bytes than are taken
│   └── WrongType    a file of a type that is not taken, or whose bytes are not of the type it claims
├── NotFound         no such tenant, channel, session …
└── Conflict         it exists already
"""

from __future__ import annotations

from uuid import UUID


class StorageError(Exception):
    """Base of everything the storage raises on purpose."""


class Unavailable(StorageError):
    """The service named in the message cannot be reached now; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LeaseLost(StorageError):
    """The fence held: another worker has the session."""


class VersionRace(StorageError):
    """`conversation_state.version` is not the one that the turn started from."""


class HandedOver(StorageError):
    """A person took the session, or gave it back, since the turn began."""


class MovedOn(StorageError):
    """The flow that the turn was to go on with went on in its own session, or was taken up by another."""


class SealNeeded(StorageError):
    """The session of `user_id` has a sensitive flow under way, so inbound content must arrive sealed."""

    def __init__(self, user_id: UUID) -> None:
        super().__init__(f"input of user {user_id} must be sealed")
        self.user_id = user_id


class KeyMissing(StorageError):
    """No key, or an erased one."""


class SealBroken(StorageError):
    """Authentication of a sealed value failed."""


class SecretMissing(StorageError):
    """Without the root key nothing can be sealed or opened."""


class WrongSecret(StorageError):
    """No key of PARLEY_SECRET_KEY opens the tenant's key. Nothing is damaged: the right one opens it."""


class UnsafeRole(StorageError):
    """The role in DATABASE_URL must be bound by row-level security."""


class SchemaMismatch(StorageError):
    """Run `parley migrate`."""


class Invalid(StorageError):
    """What was given is refused before it reaches the database."""


class TooLarge(Invalid):
    """Reading stopped at the limit; nothing of it was stored."""


class WrongType(Invalid):
    """Nothing of it was stored."""


class NotFound(StorageError):
    """What was asked for does not exist in this tenant."""


class Conflict(StorageError):
    """The name or id is taken."""
