"""The demo's live view of the calls: a table on a terminal, lines of changes elsewhere."""

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.demo.campaign import Progress

COLORS = {"completed": "green", "in-progress": "cyan", "ringing": "yellow", "queued": "dim"}


class LiveView:
    """Follows the calls between `with`."""

    def __init__(self, console: Console, *, began_at: float) -> None:
        self._console = console
        self._began_at = began_at
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._told: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, progress: Progress) -> None:
        """Draw the calls as the network and the service see them now."""
        rows = [_Row(leg, progress) for leg in progress.network]
        if self._console.is_terminal:
            self._live.update(self._table(rows))
            return
        for row in rows:
            line = f"{row.name}: {row.state}" + (f' "{row.words}"' if row.words else "")
            if self._told.get(row.sid) != line:
                self._told[row.sid] = line
                self._console.print(Text(f"{self._elapsed_s():4.0f} s  {line}"), soft_wrap=True)

    def _table(self, rows: "list[_Row]") -> Table:
        table = Table(
            title=f"Calls after {self._elapsed_s():.0f} s", title_justify="left", box=None
        )
        table.add_column("call", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("turns", justify="right")
        table.add_column("last words", no_wrap=True, overflow="ellipsis")
        for row in rows:
            state = Text(row.state, style=COLORS.get(row.status, "red"))
            table.add_row(row.name, state, row.turns, Text(row.words))
        return table

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_at


class _Row:
    """One call, joined from the network's, the service's and the session's view of it."""

    def __init__(self, leg: dict[str, Any], progress: Progress) -> None:
        by_sid = {call["twilio_sid"]: call for call in progress.calls}
        live = {entry["call_id"]: entry for entry in progress.live}
        call = by_sid.get(leg["sid"], {})
        session = live.get(call.get("call_id"), {})
        outcome = call.get("outcome")
        self.sid: str = leg["sid"]
        self.status: str = leg["status"]
        self.name = f"{'<-' if leg['direction'] == 'inbound' else '->'} {leg['scenario']}"
        self.state = f"{self.status}, {outcome}" if outcome else self.status
        self.turns = str(session.get("turns", ""))
        self.words: str = session.get("last_words", "")
