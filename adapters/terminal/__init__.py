"""The terminal as a platform: `parley chat`, and the demo's way to show one-time codes."""
