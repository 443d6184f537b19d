"""Hundreds of screens on one service: how soon they hear, and what they miss."""
