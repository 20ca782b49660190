"""Who is asking: an operator's token as `Authorization: Bearer`, and nowhere else."""

from __future__ import annotations

import re

from aiohttp import web

from adapters.api.ports import Operations
from adapters.errors import Refused
from storage.operators import Operator, Role

_BEARER = re.compile(r"[Bb]earer ([!-~]{1,200})")


async def operator_of(operations: Operations, request: web.Request) -> Operator:
    """The operator whose token came. Raises Refused 401, in the same words whatever is wrong with it.

    Wrong tokens are not counted or limited: a secret of 256 bits is not guessed, one that is malformed is refused
    without a look into the database, and any other costs one look-up by an index.
    """
    given = request.headers.getall("Authorization", [])
    found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    operator = None if found is None else await operations.authenticate(found[1])
    if operator is None:
        raise Refused(401, "unauthorized", "Send an operator's token that is good as Authorization: Bearer.")
    return operator


def check_role(operator: Operator, needed: Role) -> None:
    """Raises Refused 403 for a role that may not do this."""
    if not operator.role.may(needed):
        raise Refused(403, "forbidden", f"This takes the role {needed}; yours is {operator.role}.")
