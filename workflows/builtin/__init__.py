"""Workflows that the framework brings."""
