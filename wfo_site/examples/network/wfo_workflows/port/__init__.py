"""Workflows on port subscriptions."""
