"""Makes the report from run folders: one HTML file that needs no server and no network.

build.py reads run folders into a ReportModel, sample.py chooses which rollouts are shown, figures.py turns metrics into
figures (data only), charts.py draws them as SVG, pack.py packs rollouts into few bytes, report.py chooses what the page holds,
and shell.py puts it together. The script is in static/, one idea a file, in the order of shell.py:SCRIPTS.
"""

from hicra.report.report import build_report

__all__ = ["build_report"]
