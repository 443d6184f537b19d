"""What is likely next: methods that take one cube and give one kind of forecast."""
