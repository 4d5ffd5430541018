"""REST of the catalogue."""
