"""The demo's live view: one line per call, with its state and its last words."""

import time

from rich.table import Table

from cli.demo.campaign import Progress

COLORS = {"completed": "green", "in-progress": "cyan", "ringing": "yellow", "queued": "dim"}
WORDS = 70


def live_table(progress: Progress, *, began_at: float) -> Table:
    """Draw the calls as the network and the service see them now."""
    elapsed_s = time.monotonic() - began_at
    table = Table(title=f"Calls after {elapsed_s:.0f} s", title_justify="left", expand=True)
    for name in ("call", "state", "agent", "turns"):
        table.add_column(name, no_wrap=True)
    table.add_column("last words", ratio=1, no_wrap=True, overflow="ellipsis")
    by_sid = {call["twilio_sid"]: call for call in progress.calls}
    live = {entry["call_id"]: entry for entry in progress.live}
    for leg in progress.network:
        call = by_sid.get(leg["sid"], {})
        session = live.get(call.get("call_id"), {})
        color = COLORS.get(leg["status"], "red")
        outcome = call.get("outcome")
        state = f"{leg['status']}, {outcome}" if outcome else leg["status"]
        table.add_row(
            f"{leg['direction'].split('-')[0]} {leg['scenario']}",
            f"[{color}]{state}[/]",
            session.get("state", ""),
            str(session.get("turns", "")),
            session.get("last_words", "")[-WORDS:],
        )
    return table
