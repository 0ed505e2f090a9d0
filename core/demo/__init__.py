"""Makers of the built-in world: seed sets, the tiny student and the tiny reward model."""
