"""What the verbs of flows came to, kept beyond the flows themselves."""

from migrations.script import run_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_beside(__file__)
