"""A typed line as an inbound event."""

from __future__ import annotations

from storage.records import Channel, Inbound, Sighting


def parse(channel: Channel, user: str, line: str, line_id: str) -> Inbound:
    """One line of one person; `line_id` is unique for the line."""
    return Inbound(channel, Sighting(user), (line_id,), line)
