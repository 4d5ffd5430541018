"""What fault tests are made of: servers of their own, a ledger, processes that can be killed, and figures."""
