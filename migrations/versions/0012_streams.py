"""Replies that are shown on a platform while they are written, in messages that stay there."""

from migrations.script import run_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_beside(__file__)
