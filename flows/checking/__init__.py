"""Checks of a bot's flows: whether they run alike each time, and what becomes of running conversations."""
