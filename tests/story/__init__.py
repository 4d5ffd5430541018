"""One story told in several ways: a network is built from nothing, through REST and in a browser."""
