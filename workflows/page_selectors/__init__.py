"""Reads for pages about processes: each in a constant number of queries, cheap with a million processes."""
