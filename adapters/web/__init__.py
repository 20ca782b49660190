"""The web platform: the protocol that browsers and back ends speak, the widget and the demo page."""
