"""Pages about processes."""
