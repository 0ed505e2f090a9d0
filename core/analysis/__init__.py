"""Statistics over predictions: how accurate, how certain, how much better. No files, no models."""
