"""Tasks of the example network."""
