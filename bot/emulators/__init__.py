"""Servers that speak other services' protocols, for tests and for trying things without an account."""
