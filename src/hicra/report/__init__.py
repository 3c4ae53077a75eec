"""Makes the report from run folders: one HTML file that needs no server and no network.

build.py reads run folders into a ReportModel, sample.py chooses which rollouts are shown, figures.py turns metrics into
figures (data only), charts.py draws them as SVG, encode.py packs rollouts into few bytes, and report.py renders the page.
"""

from hicra.report.report import build_report

__all__ = ["build_report"]
