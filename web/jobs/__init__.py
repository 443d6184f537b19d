"""Long work on demand: what can be asked for, the queue, and the worker."""
