"""Posts, duty, stations and partners as the page for supervisors shows them."""
