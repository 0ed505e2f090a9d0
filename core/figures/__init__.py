"""Figures: a DataFrame in, a plain plotly figure out (``{"data": traces, "layout": layout}``, JSON values only).

Nothing here imports plotly, draws, or reads a table. The pages hand the figure to the chart component, which adds
the theme's text and grid colours in the browser; so a figure is the same in light and dark. To add one, write
``draw_x(frame) -> Figure`` in a module of this package and test its traces.
"""
