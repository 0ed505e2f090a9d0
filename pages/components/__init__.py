"""Widgets that several pages share. They draw; what is drawn comes from ``core``."""
