"""A product package whose effects can be counted: each step calls a ledger outside and changes something in here."""
