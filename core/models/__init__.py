"""Students: loading them, asking them, and the loss of their own answers.

Nothing in here imports torch before it is needed, so that listing and reading stay fast.
"""
