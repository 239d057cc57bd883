"""Figures that stand still: arrays in, Plotly figures out."""
