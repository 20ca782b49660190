"""`sessions take|reply|resume|close|event`: acting in a session from the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, assert_never
from uuid import UUID

import orjson
import typer

from adapters.api.parse import read_key, read_said, read_title, read_value
from adapters.api.ports import Handling
from bot.cli.output import AsJson, show_one
from bot.cli.session import run, short_runtime, start
from bot.cli.whose import InNameOf, Tenant, actor_of
from bot.errors import Failed
from bot.operations import Operations
from storage.audit import Actor
from storage.desk import Handled
from storage.events import Posted
from storage.ids import uuid7
from storage.operators import Role

SessionId = Annotated[UUID, typer.Argument(metavar="SESSION", help="The session's id.")]
Force = Annotated[bool, typer.Option("--force", help="Take it out of another operator's hands.")]
Act = Callable[[Operations, Actor], Awaitable[Handling]]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def take(
        session: SessionId,
        tenant: Tenant = None,
        in_name_of: InNameOf = None,
        force: Force = False,
        as_json: AsJson = False,
    ) -> None:
        """Take a session: the bot is silent from now on."""

        async def act(operations: Operations, by: Actor) -> Handling:
            return await operations.take(by, session, force=force)

        _act(session, tenant, in_name_of, act, as_json=as_json)

    @app.command()
    def reply(
        session: SessionId,
        text: Annotated[str, typer.Argument(metavar="TEXT", help="What the user is to read.")],
        tenant: Tenant = None,
        in_name_of: InNameOf = None,
        force: Force = False,
        as_json: AsJson = False,
    ) -> None:
        """Say something to the user, and take the session if nobody has it."""
        said = checked("TEXT", read_said, text)

        async def act(operations: Operations, by: Actor) -> Handling:
            return await operations.reply(by, session, said, key=str(uuid7()), force=force)

        _act(session, tenant, in_name_of, act, as_json=as_json)

    @app.command()
    def resume(
        session: SessionId,
        tenant: Tenant = None,
        in_name_of: InNameOf = None,
        force: Force = False,
        as_json: AsJson = False,
    ) -> None:
        """Give a session back to the bot."""

        async def act(operations: Operations, by: Actor) -> Handling:
            return await operations.resume(by, session, key=str(uuid7()), force=force)

        _act(session, tenant, in_name_of, act, as_json=as_json)

    @app.command()
    def close(
        session: SessionId,
        tenant: Tenant = None,
        in_name_of: InNameOf = None,
        resolved: Annotated[
            bool | None,
            typer.Option("--resolved/--unresolved", help="Whether the user's matter was settled."),
        ] = None,
        force: Force = False,
        as_json: AsJson = False,
    ) -> None:
        """End a session, and all that was under way in it."""

        async def act(operations: Operations, by: Actor) -> Handling:
            return await operations.close(by, session, resolved=resolved, key=str(uuid7()), force=force)

        _act(session, tenant, in_name_of, act, as_json=as_json)

    @app.command()
    def event(
        session: SessionId,
        name: Annotated[
            str, typer.Argument(metavar="NAME", help="What happened, as the flow's wait names it.")
        ],
        value: Annotated[
            str, typer.Option("--value", metavar="JSON", help="What the flow's wait returns.")
        ] = "null",
        key: Annotated[
            str | None, typer.Option("--key", metavar="K", help="Sent again under it, it is told once.")
        ] = None,
        tenant: Tenant = None,
        in_name_of: InNameOf = None,
        as_json: AsJson = False,
    ) -> None:
        """Tell a session that something happened; a flow that waits for it goes on."""
        called = checked("NAME", read_title, name)
        told = checked("--value", _json, value)
        named = str(uuid7()) if key is None else checked("--key", read_key, key)
        settings = start()

        async def work() -> Posted:
            async with short_runtime(settings) as runtime:
                by = await actor_of(runtime, tenant, in_name_of, Role.AGENT)
                return await runtime.operations.send_event(by, session, called, told, key=named)

        posted = run(work())
        match posted:
            case Posted.ACCEPTED | Posted.DUPLICATE:
                show_one({"session": session, "outcome": posted.value}, as_json=as_json)
            case Posted.CLOSED:
                raise _closed(session)
            case Posted.UNKNOWN:
                raise unknown(session)
            case _:
                assert_never(posted)


def unknown(session: UUID) -> Failed:
    return Failed(f"the tenant has no session {session}; `parley sessions list` shows the open ones")


def _closed(session: UUID) -> Failed:
    return Failed(f"session {session} is closed; the user's next message opens another")


def _act(session: UUID, tenant: str | None, name: str | None, act: Act, *, as_json: bool) -> None:
    settings = start()

    async def work() -> Handling:
        async with short_runtime(settings) as runtime:
            return await act(runtime.operations, await actor_of(runtime, tenant, name, Role.AGENT))

    handling = run(work())
    match handling.outcome:
        case Handled.ACCEPTED | Handled.DUPLICATE:
            show_one({"session": session, "outcome": handling.outcome.value}, as_json=as_json)
        case Handled.UNKNOWN:
            raise unknown(session)
        case Handled.CLOSED:
            raise _closed(session)
        case Handled.OWNED:
            raise Failed(f"session {session} is owned by {handling.owner or 'another operator'}: add --force")
        case Handled.NOT_HANDED_OVER:
            raise Failed(f"the bot has session {session} already; there is nothing to give back")
        case _:
            assert_never(handling.outcome)


def checked(what: str, read: Callable[[Any], Any], given: str) -> Any:
    try:
        return read(given)
    except ValueError as error:
        raise typer.BadParameter(f"{what} is {error}") from None


def _json(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("JSON, such as 5, '\"paid\"' or '{\"amount\": 5}'") from None
    return read_value(value)
