"""Reads for the pages of subscriptions, each with a constant number of statements."""
