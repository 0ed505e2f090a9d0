"""Runs: background work that outlives the page, the tab and the app; the run folder is its record."""
