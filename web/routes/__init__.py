"""The pages and endpoints, a module a subject; each names the permission it needs."""
