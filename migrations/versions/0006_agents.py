"""Calls of models, what they may cost, and the audited steps of agents."""

from migrations.script import run_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_beside(__file__)
