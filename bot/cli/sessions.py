"""`sessions list|show`: what operators see. What they do is in `acting.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer

from adapters.api.cursor import read_cursor, write_cursor
from adapters.api.parse import MAX_PAGE, read_platform
from adapters.api.render import detail_document, line_document, session_document
from adapters.api.sessions import APPROVALS_SHOWN
from adapters.terminal.render import render
from bot.cli import acting
from bot.cli.output import AsJson, printable, show, show_one
from bot.cli.session import run, short_runtime, start
from bot.cli.whose import InNameOf, Tenant, actor_of
from storage.approvals import ApprovalView, WantedApprovals
from storage.errors import NotFound
from storage.operators import Role
from storage.session_views import Page, Place, SessionDetail, SessionView, Standing, Wanted
from storage.transcripts import Line

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Read sessions, take them over, answer in them, give them back and close them."""


@app.command("list")
def list_command(
    tenant: Tenant = None,
    status: Annotated[
        Standing | None, typer.Option(help="Only these; otherwise the open ones, or all of the user's.")
    ] = None,
    platform: Annotated[str | None, typer.Option(metavar="NAME", help="Only those on this platform.")] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Only those on the channel with this account.")
    ] = None,
    user: Annotated[UUID | None, typer.Option(metavar="ID", help="Only those of this user.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only those that --as, or the console, has.")] = False,
    in_name_of: InNameOf = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many at most.")] = 50,
    cursor: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Go on where the page before ended.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show sessions: open ones with the newest activity first, handed over ones with the longest there first."""
    settings = start()
    after = None if cursor is None else _place(cursor)
    if platform is not None:
        acting.checked("--platform", read_platform, platform)

    async def work() -> Page:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, in_name_of, Role.VIEWER)
            channel_id = None
            if channel is not None:
                listed = await runtime.channels.list_all(by.tenant_id)
                ids = [
                    each.channel.id
                    for each in listed
                    if each.channel.account == channel and platform in (None, each.channel.platform)
                ]
                if len(ids) != 1:
                    raise NotFound(
                        f"there is no one channel {channel!r}; `parley channel list` shows those there are, and "
                        "--platform tells two of one name apart"
                    )
                [channel_id] = ids
            wanted = Wanted(status, platform, channel_id, by.name if mine else None, user)
            return await runtime.operations.sessions(by, wanted, after=after, limit=limit)

    page = run(work())
    end = None if page.end is None else write_cursor(page.end)
    if as_json:
        show_one(
            {"sessions": [session_document(each) for each in page.sessions], "cursor": end}, as_json=True
        )
        return
    show([_row(view) for view in page.sessions], as_json=False, empty="No such session.")
    if end is not None:
        typer.echo(f"There are more: add --cursor {end}")


@app.command("show")
def show_command(
    session: acting.SessionId,
    tenant: Tenant = None,
    in_name_of: InNameOf = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many messages at most.")] = 50,
    before: Annotated[
        int | None, typer.Option(min=1, metavar="SEQ", help="Only messages before this one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a session with its last approvals and messages. That it was read is on record."""
    settings = start()

    async def work() -> tuple[SessionDetail, Sequence[ApprovalView], list[Line]]:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, in_name_of, Role.VIEWER)
            detail = await runtime.operations.session(by, session)
            if detail is None:
                raise acting.unknown(session)
            lines = await runtime.operations.transcript(by, session, before=before, after=None, limit=limit)
            asked = await runtime.operations.approvals(
                by, WantedApprovals(session_id=session), after=None, limit=APPROVALS_SHOWN
            )
            return detail, asked.approvals, list(lines or ())

    detail, asked, lines = run(work())
    document = detail_document(detail, asked)
    if as_json:
        show_one({**document, "transcript": [line_document(line) for line in lines]}, as_json=True)
        return
    user, problems, _ = (document.pop(name) for name in ("user", "delivery_problems", "approvals"))
    show_one({**document, "user": user["external_id"]}, as_json=False)
    for each in problems:
        typer.echo(
            printable(f"delivery {each['status']} at {each['at']}: {each['error'] or 'may be doubled'}")
        )
    for view in asked:
        typer.echo(_asked(view))
    typer.echo("")
    for line in lines:
        typer.echo(f"{line.seq:>4}  {printable(line.operator or line.sender.value)}: {_said(line)}")


acting.add_to(app)


def _place(cursor: str) -> Place:
    try:
        return read_cursor(cursor)
    except ValueError:
        raise typer.BadParameter("a cursor is what the list before has printed") from None


def _row(view: SessionView) -> dict[str, Any]:
    return {
        "session": view.id,
        "status": view.status,
        "platform": view.platform,
        "user": view.external_user_id,
        "owner": view.owner,
        "since": view.handed_over_at,
        "reason": view.reason,
        "flow": view.flow,
        "waits_at": view.state_name,
        "last_active_at": view.last_active_at,
    }


def _asked(view: ApprovalView) -> str:
    """What was asked for and what came of it, on one line."""
    decision = view.decision
    who = f" by {decision.by} at {view.decided_at}" if decision.by is not None else ""
    why = f" ({decision.reason})" if decision.reason is not None else ""
    return printable(f"approval {decision.status}{who}: {view.shown}{why}")


def _said(line: Line) -> str:
    """What was said, its further lines set in; marked where it did not arrive."""
    try:
        text = render(line.content, line.content_type)
    except orjson.JSONDecodeError:
        # Struck out, and no document any more.
        text = printable(line.content)
    marks = [f"({line.delivery})"] if line.delivery in ("queued", "failed") else []
    marks += ["(may be doubled)"] if line.possible_duplicate else []
    marks += [f"[file {printable(each.name)}, {each.size} bytes]" for each in line.attachments]
    return " ".join([text.replace("\n", "\n      "), *marks])
