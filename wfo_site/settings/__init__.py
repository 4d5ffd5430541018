"""Settings: `base` for all, `dev` for one machine, `prod` for a deployment, `test` for pytest."""
