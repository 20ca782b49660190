"""Flows as drawings, taken from their code without running it."""
