"""`approvals list|show|decide`: what waits for somebody's yes, and an operator's yes or no."""

from __future__ import annotations

import sys
from typing import Annotated, Any, assert_never
from uuid import UUID

import typer

from adapters.api.parse import read_hash, read_said
from bot.cli.acting import checked
from bot.cli.output import AsJson, printable, show, show_one
from bot.cli.session import run, short_runtime, start
from bot.cli.whose import InNameOf, Tenant, actor_of
from bot.errors import Failed
from config.settings import Settings
from storage.approval_records import ApprovalStatus, Approvers
from storage.approvals import ApprovalPage, ApprovalView, Decided, WantedApprovals
from storage.operators import Role

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

ApprovalId = Annotated[UUID, typer.Argument(metavar="APPROVAL", help="The approval's id.")]
_LISTED = 100


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

    async def work() -> ApprovalPage:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, in_name_of, Role.VIEWER)
            wanted = WantedApprovals(None if every else ApprovalStatus.PENDING)
            return await runtime.approvals.page(by, wanted, after=None, limit=_LISTED)

    rows = [_row(view) for view in run(work()).approvals]
    show(rows, as_json=as_json, empty="Nothing waits for a yes.")


@app.command("show")
def show_command(
    approval: ApprovalId, tenant: Tenant = None, in_name_of: InNameOf = None, as_json: AsJson = False
) -> None:
    """Show an approval with exactly what was shown. That it was read is on record."""
    _print(_seen(start(), approval, tenant, in_name_of, Role.VIEWER), as_json=as_json)


@app.command()
def decide(
    approval: ApprovalId,
    approve: Annotated[
        bool | None, typer.Option("--approve/--reject", help="Yes or no.", show_default=False)
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why.")] = None,
    shown: Annotated[
        str | None,
        typer.Option("--hash", metavar="HEX", help="The hash of what you have seen; you are not asked then."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Whatever is shown: do not ask.")] = False,
    tenant: Tenant = None,
    in_name_of: InNameOf = None,
    as_json: AsJson = False,
) -> None:
    """Say yes or no to what was shown. The first who says it counts.

    Without --hash it is shown, and you are asked before it is decided.
    """
    if approve is None:
        raise typer.BadParameter("say --approve or --reject")
    why = None if reason is None else checked("--reason", read_said, reason)
    shown_hash = None if shown is None else checked("--hash", read_hash, shown)
    if shown_hash is None and not yes and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter("there is no terminal to ask at: give --hash, or --yes to decide unseen")
    settings = start()
    if shown_hash is None:
        view = _seen(settings, approval, tenant, in_name_of, Role.AGENT)
        # With --json, only the outcome goes to standard output.
        typer.echo(_quoted(view.shown), err=as_json)
        if not yes:
            _ask("Approve this?" if approve else "Reject this?")
        shown_hash = view.shown_hash

    async def work() -> Decided:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, in_name_of, Role.AGENT)
            return await runtime.approvals.decide(by, approval, approve, why, shown_hash=shown_hash)

    outcome = run(work())
    if told := _refusal(outcome, approval):
        raise Failed(told)
    show_one({"approval": approval, "outcome": outcome}, as_json=as_json)


def _seen(
    settings: Settings, approval: UUID, tenant: str | None, in_name_of: str | None, needed: Role
) -> ApprovalView:
    """The approval, read on record. Nothing is held open while somebody looks at it."""

    async def work() -> ApprovalView:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, in_name_of, needed)
            return await runtime.approvals.show(by, approval)

    return run(work())


def _ask(question: str) -> None:
    """Raises Failed unless the answer is yes."""
    try:
        if typer.confirm(question, err=True):
            return
    except typer.Abort:
        typer.echo("", err=True)
    raise Failed("nothing was decided")


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
