"""`reauto configs`: look at AgentConfigs, propose one from a report, promote it, roll it back."""

from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any

import msgspec
import typer
import yaml
from rich.console import Group, RenderableType
from rich.text import Text

from cli.api import ApiClient, ApiKey, ServiceUrl, connect
from cli.output import JsonFile, PlainErrors, emit, table
from service.configs.diff import Change, diff
from service.configs.propose import propose as propose_from
from service.domain.errors import Conflict, InvalidInput
from service.ports.config_store import ConfigVersion, Slot
from service.web.schemas import ActiveConfig, ConfigPage, ConfigSummary

app = typer.Typer(
    name="configs",
    cls=PlainErrors,
    no_args_is_help=True,
    help="AgentConfigs of a running service. ID is an id, its first 8 digits or more, or `active`.",
)

ROOT = "/agent-configs"
ACTIVE = "active"
SHORT = 12
NOTE_LENGTH = 4000
NOTE_SHOWN = 60

ConfigId = Annotated[str, typer.Argument(metavar="ID")]
Reason = Annotated[str, typer.Option("--reason", help="Kept with the activation.")]


class ProposalReport(msgspec.Struct, frozen=True, kw_only=True):
    """A stored proposal as `--json` gives it."""

    config_id: str
    parent_id: str
    changes: tuple[Change, ...]
    reasons: tuple[str, ...]


@app.command("list")
def list_configs(
    *, url: ServiceUrl = None, api_key: ApiKey = None, json_file: JsonFile = None
) -> None:
    """List the stored versions, newest first."""
    with connect(url, api_key) as api:
        versions = api.get(ROOT, ConfigPage).items
    emit({"items": versions}, json_file, lambda: _versions(versions))


@app.command()
def show(
    config_id: ConfigId,
    *,
    url: ServiceUrl = None,
    api_key: ApiKey = None,
    json_file: JsonFile = None,
) -> None:
    """Show one version whole."""
    with connect(url, api_key) as api:
        version = _version(api, config_id)
    emit(version, json_file, lambda: _document(version))


@app.command("diff")
def diff_configs(
    before: Annotated[str, typer.Argument(metavar="A")],
    after: Annotated[str, typer.Argument(metavar="B")],
    *,
    url: ServiceUrl = None,
    api_key: ApiKey = None,
    json_file: JsonFile = None,
) -> None:
    """Show what differs from A to B, field by field."""
    with connect(url, api_key) as api:
        old, new = _version(api, before), _version(api, after)
    changes = diff(old.config, new.config)
    data = {"before": old.config_id, "after": new.config_id, "changes": changes}
    emit(data, json_file, lambda: _changes(changes))


@app.command()
def propose(
    report: Annotated[Path, typer.Option("--from", help="A report of `reauto demo --json`.")],
    base: Annotated[str, typer.Option("--base", metavar="ID")] = ACTIVE,
    *,
    url: ServiceUrl = None,
    api_key: ApiKey = None,
    json_file: JsonFile = None,
) -> None:
    """Store a new version, inactive, made from what a report measured."""
    measured = _read_report(report)
    with connect(url, api_key) as api:
        parent = _version(api, base)
        proposal = propose_from(measured, parent.config)
        note = f"proposed from {report.name}: {'; '.join(proposal.reasons)}"
        body = {
            "config": proposal.config,
            "note": note[:NOTE_LENGTH],
            "parent_id": parent.config_id,
        }
        stored = api.post(ROOT, ConfigVersion, body=body)
    made = ProposalReport(
        config_id=stored.config_id,
        parent_id=parent.config_id,
        changes=proposal.changes,
        reasons=proposal.reasons,
    )
    emit(made, json_file, lambda: _proposal(made))


@app.command()
def promote(
    config_id: ConfigId,
    *,
    reason: Reason,
    expected_generation: Annotated[
        int | None, typer.Option(help="Refuse if the active config changed since then.")
    ] = None,
    url: ServiceUrl = None,
    api_key: ApiKey = None,
    json_file: JsonFile = None,
) -> None:
    """Make a version the one that new calls get; calls in progress keep theirs."""
    with connect(url, api_key) as api:
        slot = _activate(api, config_id, reason=reason, expected_generation=expected_generation)
    emit(slot, json_file, lambda: _activated(slot))


@app.command()
def rollback(
    reason: Reason,
    *,
    url: ServiceUrl = None,
    api_key: ApiKey = None,
    json_file: JsonFile = None,
) -> None:
    """Go back to the version that was active before."""
    with connect(url, api_key) as api:
        slot = api.get(f"{ROOT}/{ACTIVE}", ActiveConfig).slot
        if slot.previous_id is None:
            raise Conflict("no config was active before this one: nothing to go back to")
        slot = _activate(api, slot.previous_id, reason=reason, expected_generation=slot.generation)
    emit(slot, json_file, lambda: _activated(slot))


def _version(api: ApiClient, config_id: str) -> ConfigVersion:
    if config_id == ACTIVE:
        return api.get(f"{ROOT}/{ACTIVE}", ActiveConfig).version
    if not config_id.isalnum():
        raise InvalidInput(f"{config_id!r} is not a config id")
    return api.get(f"{ROOT}/{config_id}", ConfigVersion)


def _activate(
    api: ApiClient, config_id: str, *, reason: str, expected_generation: int | None
) -> Slot:
    version = _version(api, config_id)
    body = {"reason": reason, "expected_generation": expected_generation}
    return api.post(f"{ROOT}/{version.config_id}/activate", Slot, body=body)


def _read_report(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidInput(f"the report {path} cannot be read: {error}") from error


def _versions(versions: tuple[ConfigSummary, ...]) -> RenderableType:
    rows = [
        (
            "*" if version.is_active else "",
            version.config_id[:SHORT],
            version.name,
            f"{version.created_at:%Y-%m-%d %H:%M}",
            (version.parent_id or "")[:SHORT],
            shorten(version.note, NOTE_SHOWN, placeholder="…"),
        )
        for version in versions
    ]
    return table("", "id", "name", "created (UTC)", "made from", "note", rows=rows)


def _document(version: ConfigVersion) -> str:
    config = yaml.safe_dump(
        msgspec.to_builtins(version.config, builtin_types=()),
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    head = f"# {version.config_id}\n# created {version.created_at:%Y-%m-%d %H:%M} UTC"
    note = f"\n# {version.note}" if version.note else ""
    return f"{head}{note}\n{config}"


def _changes(changes: tuple[Change, ...]) -> RenderableType:
    if not changes:
        return "no difference"
    rows = [(change.field, _value(change.before), _value(change.after)) for change in changes]
    return table("field", "before", "after", rows=rows)


def _value(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value}"


def _proposal(made: ProposalReport) -> RenderableType:
    reasons = "\n".join(f"- {reason}" for reason in made.reasons)
    short = made.config_id[:SHORT]
    follow_up = f"stored, inactive. Next: reauto configs promote {short} --reason '...'"
    return Group(
        Text(f"proposal {short}, made from {made.parent_id[:SHORT]}"),
        Text(reasons),
        _changes(made.changes),
        Text(follow_up),
    )


def _activated(slot: Slot) -> str:
    before = f" (before: {slot.previous_id[:SHORT]})" if slot.previous_id else ""
    return f"active: {slot.active_id[:SHORT]}{before}, generation {slot.generation}"
