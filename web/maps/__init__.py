"""Stand-alone maps that open anywhere, with the network off."""
