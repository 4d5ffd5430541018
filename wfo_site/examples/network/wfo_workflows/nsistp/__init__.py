"""Workflows on NSI service termination point subscriptions."""
