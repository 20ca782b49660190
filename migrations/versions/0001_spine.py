"""Tenants, channels, users, sessions, messages, state, inbox and outbox."""

from migrations.script import run_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_beside(__file__)
