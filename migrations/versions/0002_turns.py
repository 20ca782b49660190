"""The functions of a turn: accept, claim, renew, checkpoint, commit, retry."""

from migrations.script import run_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_beside(__file__)
