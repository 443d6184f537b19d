"""Who watches what, and what nobody watches."""
