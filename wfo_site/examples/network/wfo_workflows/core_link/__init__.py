"""Workflows on core link subscriptions."""
