"""One person on several platforms: links between users, and a flow taken up in another session."""

from migrations.script import run_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_beside(__file__)
