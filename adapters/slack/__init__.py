"""Slack as a platform. Nothing outside this folder, the emulator and their wiring knows of it."""
