"""`ask` and `eval retrieval`: the documents asked from the command line."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bot.cli.output import AsJson, show_one
from bot.cli.session import run, short_runtime, start
from bot.demo import SLUG
from flows.knowledge.answering import NOTHING, Answer, Writing, ask_model, quoted
from flows.knowledge.evaluation import DEEPEST, Scores, judge, read_questions
from flows.knowledge.fit import fitting
from flows.llm.contract import ModelError
from flows.texts import Texts

Tenant = Annotated[str, typer.Option(metavar="SLUG", help="Whose documents.")]
evaluation = typer.Typer(help="See how good the answers are.", no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add `ask` and `eval`."""

    @app.command()
    def ask(
        question: Annotated[str, typer.Argument(metavar="QUESTION")],
        tenant: Tenant = SLUG,
        as_json: AsJson = False,
    ) -> None:
        """Answer a question from a tenant's documents, as its bot would.

        With ANTHROPIC_API_KEY a model writes the answer, without it the best passages are quoted.
        """
        given = run(_ask(question, tenant, quiet=as_json))
        if as_json:
            citations = [asdict(citation) for citation in given.citations]
            show_one({**asdict(given), "citations": citations}, as_json=True)

    @evaluation.callback()
    def group() -> None:
        """See how good the answers are."""

    evaluation.command("retrieval")(eval_retrieval)
    app.add_typer(evaluation, name="eval")


def eval_retrieval(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Questions, as JSON Lines.")],
    tenant: Tenant = SLUG,
    as_json: AsJson = False,
) -> None:
    """Ask the questions of a file and tell how often the right document was found.

    A line is {"question": "…", "sources": ["guide.md", …]}, with the documents that answer it; none for a
    question that no document answers.
    """
    scores = run(_evaluate(file, tenant))
    if as_json:
        typer.echo(orjson.dumps(scores, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())
    else:
        _print(scores)


async def _ask(question: str, slug: str, *, quiet: bool) -> Answer:
    settings = start()
    async with short_runtime(settings) as runtime:
        tenant = await runtime.tenants.find(slug)
        bot = await runtime.bots.of(tenant.id)
        answers = runtime.answers
        passages = fitting(question, await answers.finder.find(tenant.id, question))
        choice = answers.writer.choice(tenant.id)
        given = NOTHING
        if passages and choice is not None:
            request = ask_model(question, passages, choice, name=bot.name)
            writing = Writing(passages, choice.provider)
            try:
                async with aclosing(answers.writer.stream(tenant.id, None, None, "ask", request)) as events:
                    async for piece in writing.pieces(events):
                        if not quiet:
                            typer.echo(piece, nl=False)
                given = writing.answer
            except ModelError as error:
                typer.echo(f"\n(the model failed: {error})", err=True)
        if passages and not given.text:
            given, used = quoted(question, passages, bot.texts.quoted)
            await answers.writer.note_quotes(tenant.id, None, None, "ask", used, 0)
            if not quiet:
                typer.echo(given.text, nl=False)
    if not quiet:
        _print_sources(given, bot.texts)
    return given


def _print_sources(given: Answer, texts: Texts) -> None:
    if not given.text:
        typer.echo(texts.nothing_found)
        return
    typer.echo("\n")
    for number, citation in enumerate(given.citations, 1):
        typer.echo(f"  [{number}] {citation.title}" + (f" – {citation.url}" if citation.url else ""))


async def _evaluate(file: Path, slug: str) -> Scores:
    questions = read_questions(file)
    async with short_runtime(start()) as runtime:
        tenant = await runtime.tenants.find(slug)
        await runtime.bots.of(tenant.id)
        finder = runtime.answers.finder
        return judge(
            [(question, await finder.find(tenant.id, question.text, DEEPEST)) for question in questions]
        )


def _print(scores: Scores) -> None:
    for depth, share in scores.hit.items():
        typer.echo(f"hit@{depth}: {share:.1%}")
    typer.echo(f"MRR@{DEEPEST}: {scores.mrr:.3f}")
    typer.echo(f"nDCG@{DEEPEST}: {scores.ndcg:.3f}")
    typer.echo(f"answered: {scores.answered:.1%} of {scores.questions}")
    if scores.refused is not None:
        typer.echo(f"refused, of those that no document answers: {scores.refused:.1%}")
    for miss in scores.misses:
        typer.echo(f"miss: {miss.question!r}: rank {miss.rank or 'none'}, first came {miss.found}")
    for question in scores.wrongly_answered:
        typer.echo(f"answered wrongly: {question!r}")
