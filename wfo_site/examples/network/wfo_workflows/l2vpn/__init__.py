"""Workflows on l2vpn subscriptions."""
