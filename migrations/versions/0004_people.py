"""What is known of a user: flags, links, feedback, attachments, summaries."""

from migrations.script import run_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_beside(__file__)
