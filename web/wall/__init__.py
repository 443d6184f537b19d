"""The wall's server half: one document a jurisdiction, worked out once and told to every screen."""
