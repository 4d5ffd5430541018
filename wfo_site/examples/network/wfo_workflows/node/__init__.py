"""Workflows on node subscriptions."""
