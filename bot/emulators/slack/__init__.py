"""An emulator of Slack: its Web API, its events, Socket Mode, installation, and a page to chat as a Slack user."""
