"""An emulator of Anthropic's Messages API."""
