"""REST of processes, of the engine, and of what processes may do to subscriptions."""
