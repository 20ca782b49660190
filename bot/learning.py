"""What `parley run` takes into the tenants' documents by itself: the paths that their `bot.toml` name."""

from __future__ import annotations

import structlog

from bot.errors import Failed
from bot.knowledge.ingest import ingest
from bot.runtime import Runtime
from config.errors import ConfigError
from storage.errors import StorageError

log = structlog.get_logger("parley.knowledge")


async def learn(runtime: Runtime) -> None:
    """Ingest each tenant's own paths. What goes wrong with one is logged and keeps no other from its turn."""
    for tenant in await runtime.tenants.list_all():
        try:
            settings = runtime.bots.config(tenant.slug).knowledge
            if not settings.paths:
                continue
            answers = runtime.answers
            report = await ingest(
                answers.documents, answers.embedder, settings.paths, tenant.id, language=settings.language
            )
        except (ConfigError, Failed, StorageError) as error:
            log.warning("knowledge_not_ingested", tenant=tenant.slug, error=str(error))
            continue
        except Exception:
            log.exception("knowledge_not_ingested", tenant=tenant.slug)
            continue
        for path, reason in report.skipped:
            log.debug("file_skipped", tenant=tenant.slug, path=str(path), reason=reason)
        log.info(
            "knowledge_ingested",
            tenant=tenant.slug,
            documents=report.taken,
            made_anew=report.created + report.changed,
            deleted=report.deleted,
            skipped=len(report.skipped),
            seconds=round(report.seconds, 1),
        )
