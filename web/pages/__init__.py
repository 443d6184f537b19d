"""The few pages that the server writes itself: signing in and changing a password."""
