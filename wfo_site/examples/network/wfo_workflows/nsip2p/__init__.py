"""Workflows on NSI point-to-point circuit subscriptions."""
