"""What every REST view shares: how a request is read, how an answer and an error look, how a path is written."""
