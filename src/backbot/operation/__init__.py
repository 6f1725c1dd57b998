"""What an operator sees of a running backbot: whether it is ready, what it counts, what it logs, what is wrong with it."""
