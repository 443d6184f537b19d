"""Commands about grids: what they ask the database, what they say, what they draw."""
