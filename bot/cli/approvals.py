"""`approvals list|show|decide`: what waits for somebody's yes, and an operator's yes or no."""

from __future__ import annotations

import re
from typing import Annotated, Any, assert_never
from uuid import UUID

import typer

from adapters.api.parse import read_said
from bot.cli.acting import checked
from bot.cli.output import AsJson, printable, show, show_one
from bot.cli.session import run, short_runtime, start
from bot.cli.whose import InNameOf, Tenant, actor_of
from bot.errors import Failed
from storage.approval_records import Approvers
from storage.approvals import ApprovalView, Decided
from storage.operators import Role

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

ApprovalId = Annotated[UUID, typer.Argument(metavar="APPROVAL", help="The approval's id.")]


@app.callback()
def group() -> None:
    """See what waits for a yes, and decide it."""


@app.command("list")
def list_command(
    tenant: Tenant = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are decided or over.")] = False,
    in_name_of: InNameOf = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest hundred approvals that can still be decided."""
    settings = start()

    async def work() -> list[ApprovalView]:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, in_name_of, Role.VIEWER)
            return await runtime.approvals.list_all(by, undecided=not every)

    rows = [_row(view) for view in run(work())]
    show(rows, as_json=as_json, empty="Nothing waits for a yes.")


@app.command("show")
def show_command(
    approval: ApprovalId, tenant: Tenant = None, in_name_of: InNameOf = None, as_json: AsJson = False
) -> None:
    """Show an approval with exactly what was shown. That it was read is on record."""
    settings = start()

    async def work() -> ApprovalView:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, in_name_of, Role.VIEWER)
            return await runtime.approvals.show(by, approval)

    _print(run(work()), as_json=as_json)


@app.command()
def decide(
    approval: ApprovalId,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="Yes or no.", show_default=False)],
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why.")] = None,
    shown: Annotated[
        str | None,
        typer.Option(
            "--hash", metavar="HEX", help="The hash of what you have seen; otherwise it is printed first."
        ),
    ] = None,
    tenant: Tenant = None,
    in_name_of: InNameOf = None,
    as_json: AsJson = False,
) -> None:
    """Say yes or no to what was shown. The first who says it counts."""
    why = None if reason is None else checked("--reason", read_said, reason)
    seen = None if shown is None else checked("--hash", _hash, shown)
    settings = start()

    async def work() -> Decided:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, in_name_of, Role.AGENT)
            shown_hash = seen
            if shown_hash is None:
                view = await runtime.approvals.show(by, approval)
                shown_hash = view.shown_hash
                if not as_json:
                    typer.echo(_quoted(view.shown))
            return await runtime.approvals.decide(by, approval, approve, why, shown_hash=shown_hash)

    outcome = run(work())
    if told := _refusal(outcome, approval):
        raise Failed(told)
    show_one({"approval": approval, "outcome": outcome}, as_json=as_json)


def _hash(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise ValueError("64 hexadecimal digits, as `parley approvals show` prints them")
    return bytes.fromhex(text)


def _refusal(outcome: Decided, approval: UUID) -> str:
    """Why a decision does not count, and what to do; empty when it does."""
    match outcome:
        case Decided.ACCEPTED | Decided.DUPLICATE:
            return ""
        case Decided.DECIDED:
            return f"somebody else has decided it; see `parley approvals show {approval}`"
        case Decided.EXPIRED:
            return "it has expired, or was taken back: it is asked anew where it is still wanted"
        case Decided.CHANGED:
            return (
                f"that is not the hash of what was shown; look again with `parley approvals show {approval}`"
            )
        case Decided.NOT_ALLOWED:
            return "you may not decide it; `parley approvals show` says who may, and --as acts as them"
        case Decided.CLOSED:
            return "its session is closed"
        case Decided.UNKNOWN:
            return f"there is no approval {approval}; `parley approvals list` shows those there are"
        case _:
            assert_never(outcome)


def _row(view: ApprovalView) -> dict[str, Any]:
    return {
        "approval": view.id,
        "session": view.session_id,
        "flow": view.flow,
        "action": view.action,
        "status": view.decision.status,
        "by": _allowed(view.by),
        "expires_at": view.expires_at,
    }


def _print(view: ApprovalView, *, as_json: bool) -> None:
    row = {
        **_row(view),
        "hash": view.shown_hash.hex(),
        "created_at": view.created_at,
        "decided_by": view.decision.by,
        "decided_at": view.decided_at,
        "reason": view.decision.reason,
        "used_at": view.used_at,
    }
    if as_json:
        show_one({**row, "shown": view.shown}, as_json=True)
        return
    show_one(row, as_json=False)
    typer.echo(f"\n{_quoted(view.shown)}")


def _quoted(shown: str) -> str:
    return "\n".join(f"  {printable(line)}" for line in shown.split("\n"))


def _allowed(by: Approvers) -> str:
    """Who may decide, in words."""
    operators = "any operator" if by.operators is None else ", ".join(by.operators)
    return " or ".join(filter(None, ("the asker" if by.the_asker else "", operators)))
