"""The HTTP API of operators and back ends, below /api/v1."""
