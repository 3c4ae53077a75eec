"""Draws everything that hicra draws: the report's charts, the plot of a comparison, the pictures of docs and studies.

theme.py has the colours for light screens, dark screens and paper, and chart.css styles all charts in those colours. svg.py
writes elements, plot.py makes a plot in a file of its own, scales.py has ticks and scales, and readable.py writes numbers and
names for people. signal.py has the charts of the learning signal, which the report and the docs share.
"""
