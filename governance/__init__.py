"""How people deal with it: intake, cases and deadlines."""
