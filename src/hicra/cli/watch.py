"""The verb `hicra watch`."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Overwrite, Undrawn
from hicra.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from hicra.runs.follow import News
    from hicra.runs.trackers.forward import Forward
    from hicra.watch.watched import Watched


def watch(
    run: Annotated[Path, Parameter(help="The run folder; it may be one that does not exist yet.")],
    *,
    once: Annotated[bool, Parameter(negative="", help="Show what is there now, and end.")] = False,
    every: Annotated[float, Parameter(help="Seconds between two looks.")] = 2.0,
    wait: Annotated[
        bool,
        Parameter(negative="", help="Watch on although no process here writes the run, as with a copy that grows."),
    ] = False,
    to: Annotated[
        str | None,
        Parameter(help="Also hand metrics and rollouts on to a tracker: tensorboard, wandb, trackio or mlflow."),
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(name=["-o", "--out"], help="The folder of the tracker; by default trackers/NAME in the run folder."),
    ] = None,
    online: Annotated[
        bool, Parameter(negative="", help="Let the tracker use the network, as its own settings say.")
    ] = False,
    overwrite: Overwrite = False,
    common: Undrawn = UNDRAWN,
) -> None:
    """Show a run in the terminal while it goes on: curves, findings and the latest tagged rollout.

    It ends when the run does, or where nobody writes it. Into a pipe it writes one plain line a step.
    """
    from rich.console import Console

    from hicra.runs.trackers.forward import Forward, summary
    from hicra.watch.watch import as_json, opened, refuse_stopped
    from hicra.watch.watch import watch as look_on

    if to is None and (out is not None or online or overwrite):
        raise UsageError("-o, --online and --overwrite are those of a tracker", "name one by --to, such as --to wandb")
    if once and wait:
        raise UsageError("--once ends after one look, and --wait watches on", "take one of the two")
    if not 0.1 <= every < float("inf"):
        raise UsageError(f"--every is {every:g}", "give a number of seconds from 0.1 on")
    folder = opened(run, wait=not once, every=every, say=common.say)
    sent = Forward(folder, to, out, online=online, overwrite=overwrite) if to else None
    console = Console()
    with contextlib.ExitStack() as stack:
        if sent:
            stack.callback(sent.close)
        show = _nothing if common.json or once else stack.enter_context(_shown(console))
        watched = look_on(folder, once=once, every=every, wait=wait, show=_both(show, sent))
    result: dict[str, Any] = {**as_json(watched), "tracker": summary(sent) if sent else None}
    for note in watched.notes() if common.json or not console.is_terminal else ():
        common.warn(note)
    if not once:
        refuse_stopped(watched)
    shown = _snapshot(console, watched) if once and not common.json else ""
    common.give(result, shown, then=_then(watched, sent), styled=True)


def _both(show: Any, sent: Forward | None) -> Any:
    def both(watched: Watched, news: News) -> None:
        show(watched, news)
        if sent:
            sent.send(news, watched.follower)

    return both


def _nothing(watched: Watched, news: News) -> None:
    """Shows nothing."""


@contextlib.contextmanager
def _shown(console: Console) -> Any:
    """Yields what shows a look: a view that is drawn over on a terminal, else plain lines."""
    from hicra.watch.lines import Lines
    from hicra.watch.view import view

    if not console.is_terminal or console.is_dumb_terminal:
        lines: list[Lines] = []

        def told(watched: Watched, news: News) -> None:
            lines[:] = lines or [Lines(watched)]
            for line in lines[0].of(news):
                print(line, flush=True)

        yield told
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False, redirect_stderr=False) as live:
        yield lambda watched, news: live.update(
            view(watched, console.width, console.height - 1, console.no_color), refresh=True
        )


def _snapshot(console: Console, watched: Watched) -> str:
    from hicra.watch.view import view

    marks = console.no_color or not console.is_terminal or console.is_dumb_terminal
    with console.capture() as captured:
        console.print(view(watched, console.width, marks=marks))
    return captured.get().rstrip("\n")


def _then(watched: Watched, sent: Forward | None) -> str:
    if sent:
        return sent.see
    return f"hicra report {shlex.quote(str(watched.run.path))}" if watched.rows else ""
