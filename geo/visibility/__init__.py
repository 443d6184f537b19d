"""What a camera sees: a sector as far as its pixels carry, cut by buildings."""
