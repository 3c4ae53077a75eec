"""`hicra view`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Undrawn


def view(
    *folders: Annotated[Path, Parameter(help="Run folders, or folders of them.")],
    port: Annotated[int, Parameter(help="The port of 127.0.0.1 to listen on; 0 takes a free one.")] = 0,
    common: Undrawn = UNDRAWN,
) -> None:
    """Serve the page of run folders on this machine, with search over all of their rollouts.

    Nothing is written, and nothing is sent to another machine. Ctrl-C ends it.
    """
    from hicra.errors import UsageError
    from hicra.runs.find import find_runs, passed_over, refuse_files
    from hicra.view.page import make_view
    from hicra.view.server import Server

    if not folders:
        raise UsageError("no run folder given", "name at least one: `hicra view RUN`")
    runs, rest = find_runs(folders)
    for said in passed_over(rest if runs else []):
        common.warn(said)
    if not runs:
        refuse_files(rest)
    found = make_view(runs or list(folders))  # reading them says what they lack
    with Server(found, port) as server:
        common.give(
            {"url": server.url, "port": server.port, "rollouts": len(found.index), "runs": len(found.model.runs)},
            server.url,
            then="open this address in a browser; Ctrl-C ends the view",
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            common.say("the view has ended")
