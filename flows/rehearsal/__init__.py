"""Conversation tests: written as YAML, played on the real engine with everything outside in memory."""
