"""Hand-over to persons, and what few turns write besides."""

from migrations.script import run_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_beside(__file__)
