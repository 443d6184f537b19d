"""The tablet: what it shows of today, and what it sends when it is on the network again."""
