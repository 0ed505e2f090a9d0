"""Recipes: each paper's method from top to bottom, and the kinds of run that pages and the shell start."""
