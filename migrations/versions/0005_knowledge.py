"""Documents, their chunks as full text and as BM25, their embeddings by model."""

from migrations.script import run_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_beside(__file__)
