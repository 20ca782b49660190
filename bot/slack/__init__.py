"""Slack's wiring: what its adapter needs of storage, and what is done for it beside conversations."""
