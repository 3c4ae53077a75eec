"""How everything that hicra draws is drawn: the page's charts, the plot of a comparison, the pictures of docs and studies.

theme.py has the colours for light, dark and paper; chart.css the looks of all charts, in those colours; svg.py writes elements;
plot.py makes a plot that stands alone; scales.py has ticks and scales, readable.py numbers and names as people read them.
"""
