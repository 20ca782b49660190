"""Metrics, templates, installations, operators and the audit log."""

from migrations.script import run_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_beside(__file__)
