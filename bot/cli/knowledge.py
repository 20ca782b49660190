"""`ingest` and `documents list|show|delete`: what a tenant's bot answers from."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.output import AsJson, show, show_one
from bot.cli.session import run, short_runtime, start
from bot.knowledge.ingest import ingest
from bot.knowledge.reports import Progress, Report
from storage.documents import ListedDocument

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose documents.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="Only those of this collection: kb, faq …")
]
Document = Annotated[str, typer.Argument(metavar="DOCUMENT", help="Its id, or its name in its source.")]
documents = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add `ingest` and `documents`."""
    app.command("ingest")(ingest_command)
    app.add_typer(documents, name="documents")


def ingest_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files and folders.")],
    tenant: Tenant,
    source: Annotated[str, typer.Option(metavar="NAME", help="The collection that they belong to.")] = "kb",
    url_prefix: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where readers find them: what their paths are put behind."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take Markdown, HTML and text into a tenant's documents; what has gone from a folder is deleted.

    What did not change is left alone. A file that is given by itself deletes nothing.
    """
    if not re.fullmatch(r"[\w.-]{1,63}", source):
        raise typer.BadParameter(f"{source!r} is no name of a source: use letters, digits, `_`, `.` and `-`")
    if url_prefix is not None and not re.fullmatch(r"(https?:/)?/[^\s<>\"]*", url_prefix):
        raise typer.BadParameter(f"{url_prefix!r} is no address: write https://… or a path such as /help/")
    settings = start()

    async def work() -> Report:
        async with short_runtime(settings) as runtime:
            owner = await runtime.tenants.find(tenant)
            with _progress() as advance:
                return await ingest(
                    runtime.answers.documents,
                    runtime.answers.embedder,
                    paths,
                    owner.id,
                    source=source,
                    url_prefix=url_prefix,
                    language=runtime.bots.config(tenant).knowledge.language,
                    on_progress=advance,
                )

    report = run(work())
    _print(report, as_json=as_json)
    if not report.taken:
        raise typer.Exit(1)


@documents.callback()
def group() -> None:
    """See and delete what a tenant's bot answers from."""


@documents.command("list")
def list_command(tenant: Tenant, source: Source = None, as_json: AsJson = False) -> None:
    """Show a tenant's documents."""
    settings = start()

    async def work() -> list[dict[str, Any]]:
        async with short_runtime(settings) as runtime:
            owner = await runtime.tenants.find(tenant)
            return [_told(each) for each in await runtime.answers.documents.list_all(owner.id, source)]

    show(
        run(work()),
        as_json=as_json,
        empty=f"No document yet; `parley ingest PATH --tenant {tenant}` takes some in.",
    )


@documents.command("show")
def show_command(document: Document, tenant: Tenant, source: Source = None, as_json: AsJson = False) -> None:
    """Show one document with its text."""
    settings = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(settings) as runtime:
            owner = await runtime.tenants.find(tenant)
            found = await runtime.answers.documents.show(owner.id, document, source)
            return {
                **_told(found.listed),
                "path": found.listed.metadata.get("path"),
                "content": found.content,
            }

    shown = run(work())
    content = shown["content"]
    if as_json:
        show_one(shown, as_json=True)
    else:
        show_one({key: value for key, value in shown.items() if key != "content"}, as_json=False)
        # Line by line as it is, but nothing that would steer the terminal.
        typer.echo("\n" + "".join(c if c.isprintable() or c == "\n" else " " for c in content))


@documents.command()
def delete(
    chosen: Annotated[list[str], typer.Argument(metavar="DOCUMENT…", help="Ids, or names in their source.")],
    tenant: Tenant,
    source: Source = None,
    as_json: AsJson = False,
) -> None:
    """Delete documents; answers are not taken from them any more. A file is taken in again by `parley ingest`."""
    settings = start()

    async def work() -> int:
        async with short_runtime(settings) as runtime:
            owner = await runtime.tenants.find(tenant)
            library = runtime.answers.documents
            found = [(await library.show(owner.id, each, source)).listed.id for each in chosen]
            return await library.delete(owner.id, found)

    show_one({"deleted": run(work())}, as_json=as_json)


def _told(listed: ListedDocument) -> dict[str, Any]:
    return {
        "source": listed.source,
        "source_id": listed.source_id,
        "title": listed.title,
        "url": listed.metadata.get("url"),
        "chunks": listed.chunks,
        "updated_at": listed.updated_at,
        "id": listed.id,
    }


def _print(report: Report, *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "deleted": report.deleted,
        "chunks": report.chunks,
        "seconds": round(report.seconds, 2),
    }
    skipped = [{"path": _printable(path), "reason": reason} for path, reason in report.skipped]
    if as_json:
        show_one({**told, "skipped": skipped}, as_json=True)
        return
    show_one({**told, "skipped": len(skipped)}, as_json=False)
    for each in skipped:
        typer.echo(f"skipped {each['path']}: {each['reason']}", err=True)
    if not report.taken:
        typer.echo("parley: nothing could be read; give Markdown (.md), HTML or text (.txt)", err=True)


def _printable(path: Path) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(path))


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal's standard error, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    # Imported here: only a terminal needs it.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(now: Progress) -> None:
            # A file's name may look like markup.
            name = _printable(Path(now.path.name)).replace("[", "\\[")
            bar.update(task, completed=now.done, total=now.total, description=name)

        yield advance
