"""Says in plain lines what is new in a watched run, for pipes and files: no colour and no control character."""

from __future__ import annotations

from collections.abc import Iterable

from hicra.drawing.readable import duration, harmless
from hicra.metrics.signal_window import SignalWindow
from hicra.runs.follow import News
from hicra.watch.figures import figures
from hicra.watch.watched import Watched


class Lines:
    """Makes the lines of what each look found: one a step, and one for each finding that is new or no longer seen."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._alarms: dict[str, str] = {}
        self._signal = SignalWindow()

    def of(self, news: News) -> Iterable[str]:
        """Returns the lines of a look."""
        if news.again:
            self._signal = SignalWindow()
            yield "the metrics were written anew, as a resume does: they are shown from the first step"
        total = "" if self._watched.total is None else f" of {self._watched.total}"
        for at, row in enumerate(news.rows, 1):
            self._signal.add(row)
            parts = [f"step {row['step']}{total}", *figures(row, self._signal)]
            if at == len(news.rows) and (left := self._watched.seconds_left) is not None:
                parts.append(f"about {duration(left)} left")
            yield "  ".join(parts)
        alarms = {one.name: one.text for one in self._watched.seen if one.alarm}
        for name, text in alarms.items():
            if name not in self._alarms:
                yield harmless(f"! {name}: {text}").replace("\n", " ")
        for name in self._alarms.keys() - alarms.keys():
            yield f"  {name}: no longer seen"
        self._alarms = alarms
