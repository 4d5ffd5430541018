"""Pages about processes: each view parses, asks one service or selector, and chooses a template."""
