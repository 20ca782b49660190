"""One endpoint of the API: what it takes, whom it serves and what it answers. Code and OpenAPI come from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from adapters.api.parse import Field
from adapters.api.ports import Operations
from adapters.errors import Refused
from storage.audit import Actor, ActorKind
from storage.operators import Operator, Role

NO_ID = UUID(int=0)
# The address of a tenant's file, good for a short while.
FileUrl: TypeAlias = Callable[[UUID, UUID], str]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was let in. `session_id`, `approval_id` and `name` are the path's, where it has them."""

    operator: Operator
    given: Mapping[str, Any]
    file_url: FileUrl
    session_id: UUID = NO_ID
    approval_id: UUID = NO_ID
    name: str = ""

    @property
    def by(self) -> Actor:
        return Actor(self.operator.tenant_id, ActorKind.OPERATOR, self.operator.name)


Document: TypeAlias = Mapping[str, Any] | None
Endpoint: TypeAlias = Callable[[Operations, Call], Awaitable[Document]]


@dataclass(frozen=True, slots=True)
class Route:
    """`answers` is the name of the schema of what comes back, None for nothing; `conflicts` are its codes of 409."""

    method: str
    path: str
    summary: str
    role: Role
    endpoint: Endpoint
    answers: str | None
    status: int = 200
    query: tuple[Field, ...] = ()
    body: tuple[Field, ...] = ()
    conflicts: tuple[str, ...] = ()

    @property
    def takes_body(self) -> bool:
        return self.method == "POST"


def no_such(thing: str) -> Refused:
    """The one answer for what is not there and for what is another tenant's."""
    return Refused(404, "not_found", f"There is no such {thing}.")
