"""What reviews bring beyond a verdict: one fix for many candidates, and how good what was not read is."""
