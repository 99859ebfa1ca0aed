"""The whole job as functions, for scripts, notebooks and the command line.

found = llmcost.audit(["logs.jsonl"])          # found.by_task is a DataFrame; Jupyter shows the whole report
plan = llmcost.plan_replay(["logs.jsonl"], models=["qwen3-8b"], base_url="https://…/v1", budget=5)
plan.estimate()                                # what it would send and cost; nothing was sent yet
plan.run().model_map
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from llmcost import logs, pricing
from llmcost.api.explaining import explain, remember
from llmcost.api.exporting import RunSource, exported, remembered, saved_report
from llmcost.api.gating import baseline, check
from llmcost.api.purging import purge
from llmcost.api.redacting import redact
from llmcost.api.remembering import Remembering
from llmcost.api.routes import permitted
from llmcost.api.starting import init
from llmcost.api.traffic import Options, Say, Traffic, load, log_paths
from llmcost.api.unchanged import keep, kept, state_of
from llmcost.api.views import (
    AuditView,
    CheckView,
    EstimateView,
    ExplainView,
    KindsView,
    LabelExportView,
    LabelImportView,
    MonitorView,
    PricesView,
    PurgeView,
    RedactView,
    ReplayView,
    SimulateView,
)
from llmcost.audit import audit as audited
from llmcost.audit.result import AuditResult
from llmcost.config import AlphaScope, ReplaySettings, Settings, StrategyName
from llmcost.config import base_url as chosen_base_url
from llmcost.config import load as load_settings
from llmcost.endpoint.egress import Egress, egress
from llmcost.errors import ConfigError, InputError
from llmcost.logs import Progress, no_progress
from llmcost.version import VERSION
from llmcost.workspace import Workspace

if TYPE_CHECKING:
    from llmcost.api.experiment import Experiment
    from llmcost.api.monitoring import Monitor

__all__ = [
    "AuditView",
    "CheckView",
    "EstimateView",
    "ExplainView",
    "KindsView",
    "LabelExportView",
    "LabelImportView",
    "MonitorView",
    "Options",
    "PricesView",
    "PurgeView",
    "RedactView",
    "ReplayView",
    "SimulateView",
    "audit",
    "baseline",
    "check",
    "explain",
    "export",
    "init",
    "label_export",
    "label_import",
    "monitor",
    "plan_monitor",
    "plan_replay",
    "prices",
    "purge",
    "redact",
    "replay",
    "report",
    "simulate",
    "update_prices",
]


def audit(  # noqa: PLR0913  one parameter a choice
    paths: Sequence[str] | str,
    *,
    options: Options | None = None,
    by: Sequence[str] = (),
    top: int | None = None,
    compact: bool = False,
    name_with: str | None = None,
    base_url: str | None = None,
    allow_hosts: Sequence[str] | None = None,
    redact: bool | None = None,
    budget: float | None = None,
    agreed: Callable[[str], bool] = lambda said: False,
    config: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
    progress: Progress = no_progress,
) -> AuditView:
    """Where the money of these logs goes, what is wasted, what could be saved. Uses no network.

    But for `name_with`: that model at `base_url` names every call site, one call each and never more than `budget`
    dollars, if `agreed`, which is told what would be sent, says so. Names are kept in the workspace.

    `by` names what to break the bill down by as well: tags of the log, or task, model, call_site, kind, provider, hour,
    week and their like (`llmcost.audit.dimensions`). `top` rows of a table are shown, `compact` ones have few columns.
    Remembers the logs, so that `replay` needs no paths.
    """
    settings = _guarded(_showing(load_settings(config), top), allow_hosts, redact)
    place = Workspace.at(workspace)
    chosen = log_paths(_listed(paths), settings)
    options = options or Options()
    remembering = Remembering(say)
    remembering(lambda: place.remember_logs(chosen, options.as_dict()))
    state = state_of(chosen, options, settings, by, place)
    result = kept(state, place) if name_with is None else None
    if result is None:
        traffic = load(chosen, options, settings, place, say, progress)
        result = found = _audited(traffic, by)
        if name_with is not None:
            allowed = permitted(settings.egress, allow_hosts, base_url)
            result = _named_by(name_with, result, traffic, base_url, allowed, budget, agreed, place, say)
        else:
            remembering(lambda: keep(state, found, place))
    else:
        say("nothing changed since the last audit: its result is shown")
    remembering(lambda: remember(result, place))
    return AuditView(result, settings.audit.top if top is None else top, compact)


def _audited(traffic: Traffic, by: Sequence[str]) -> AuditResult:
    return audited(
        traffic.calls,
        book=traffic.book,
        costs=traffic.costs,
        source=traffic.source(),
        settings=traffic.settings.audit,
        version=VERSION,
        bodies=logs.bodies,
        by=by,
        kinds=traffic.settings.tasks.kinds,
    )


def simulate(  # noqa: PLR0913  one parameter a choice
    paths: Sequence[str] | str = (),
    *,
    cache_ttl: str | None = None,
    cache_tasks: Mapping[str, str] | None = None,
    cache_capacity: int | None = None,
    cache_sweep: bool = False,
    near: Sequence[float] = (),
    near_sweep: bool = False,
    prompt_cache: bool = False,
    batch_api: bool = False,
    model_map: Mapping[str, str] | None = None,
    options: Options | None = None,
    config: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
    progress: Progress = no_progress,
) -> SimulateView:
    """One bill of these logs (the last audited if none are named) before and after savings on one timeline of calls.

    Uses no network. Where no saving is named, all that change no answer are simulated.

    cache_ttl       an exact response cache that keeps answers so long ("1h"); what is not named is as configured
    cache_tasks     task → how long its answers are kept; "0s": not at all
    cache_capacity  entries that the cache has place for
    cache_sweep     also the hit rate and dollars of such a cache for times to live from a minute to a week, by task
    near            also what a near-duplicate cache would answer from this likeness (0–1) on: a potential, in no total
    near_sweep      the same from 0.8 to 0.98
    prompt_cache    the provider's prompt cache, where it is unused
    batch_api       the provider's Batch API, for calls that nobody seems to wait for
    model_map       task → model at today's tokens: what-if, a potential that nobody has measured
    """
    from llmcost.api.simulating import asked_cache, scenario, simulated
    from llmcost.recommend.simulate import NEAR_SWEPT

    settings, place = load_settings(config), Workspace.at(workspace)
    chosen, reading = _logs_or_last(_listed(paths), options, settings, place, say)
    traffic = load(chosen, reading, settings, place, say, progress)
    cache = asked_cache(cache_ttl, cache_tasks or {}, cache_capacity)
    thresholds = (*near, *(NEAR_SWEPT if near_sweep else ()))
    wanted = scenario(traffic, cache, prompt_cache, batch_api, model_map or {}, cache_sweep, thresholds)
    return SimulateView(simulated(traffic, wanted, traffic.source()))


def plan_replay(  # noqa: PLR0913  one parameter a choice
    paths: Sequence[str] | str = (),
    *,
    models: Sequence[str] | None = None,
    graders: Sequence[str] | None = None,
    base_url: str | None = None,
    allow_hosts: Sequence[str] | None = None,
    redact: bool | None = None,
    strategies: Sequence[StrategyName] | Literal["auto"] | None = None,
    sample: int | Literal["auto"] | None = None,
    looks: int | None = None,
    margin: float | None = None,
    limit: float | None = None,
    alpha: float | None = None,
    alpha_scope: AlphaScope | None = None,
    aa: int | None = None,
    allow_related_judge: bool | None = None,
    budget: float | None = None,
    seed: int | None = None,
    concurrency: int | None = None,
    options: Options | None = None,
    config: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
) -> Experiment:
    """A replay of these logs (the last audited if none are named) with these candidates. Sends nothing yet.

    models     candidates, `model` or `model@effort`
    graders    models that compare answers blind where no expected answer is known; all must agree to a switch
    allow_hosts  hosts that may be talked to, no other; by default those that are named as endpoints
    redact     whether personal data and keys leave as placeholders; by default unless the endpoint is this machine
    margin     largest accepted loss of quality, a share; by default 2 % where checked, 5 % where judged
    limit      looser margin at which a switch may still be named
    strategies what else is tried: "map" (models alone), "cascade", "cache", "compress", "batch"; by default "auto"
    sample     most prompts a task, or "auto"; asked in so many `looks`, as long as a candidate is in the running
    aa         prompts a task that the incumbent answers once more
    budget     hard cap of the run in US dollars; by default the worst case that the estimate states
    """
    from llmcost.api.experiment import experiment  # brings the HTTP client, which an audit has no use for

    settings, place = _guarded(load_settings(config), allow_hosts, redact), Workspace.at(workspace)
    given = {
        "models": None if models is None else tuple(models),
        "graders": None if graders is None else tuple(graders),
        "strategies": strategies if strategies is None or strategies == "auto" else tuple(strategies),
        "sample": sample,
        "looks": looks,
        "margin": margin,
        "limit": limit,
        "alpha": alpha,
        "alpha_scope": alpha_scope,
        "aa": aa,
        "allow_related_judge": allow_related_judge,
        "budget": budget,
        "seed": seed,
        "concurrency": concurrency,
    }
    replay = msgspec.structs.replace(settings.replay, **{k: v for k, v in given.items() if v is not None})
    _refuse_nonsense(replay)
    url = chosen_base_url(base_url, settings)
    chosen, reading = _logs_or_last(_listed(paths), options, settings, place, say)
    allowed = permitted(settings.egress, allow_hosts, base_url)
    return experiment(load(chosen, reading, settings, place, say), replay, url, place, config, allowed)


def replay(paths: Sequence[str] | str = (), *, budget: float, **choices: Any) -> ReplayView:
    """The report of a replay (see `plan_replay`), spent at once and never more than `budget` US dollars."""
    return plan_replay(paths, budget=budget, **choices).run()


def report(
    run: str | None = None,
    *,
    show_text: bool = False,
    redact: bool = True,
    examples: int | None = None,
    config: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
) -> ReplayView:
    """The report of a run as it was saved; of the last run if none is named.

    show_text  with what was asked and answered in its examples, read again from the log and the store of answers;
               what is gone from there stays None, and `say` is told so
    redact     with placeholders for personal data and keys in them
    examples   prompts shown of each candidate, the worst-graded first (3); 60 in all
    """
    place = Workspace.at(workspace)
    found = saved_report(run, place)
    if show_text or examples is not None:
        from llmcost.api.examples import read_again  # brings the replay, which a saved report has no use for
        from llmcost.api.shown import shown

        texts = shown(load_settings(config), redact) if show_text else None
        found = read_again(found, place, examples, texts, say)
    return ReplayView(found)


def export(
    run: str | None = None,
    *,
    to: str = "json",
    base_url: str | None = None,
    show_text: bool = False,
    redact: bool = True,
    config: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
) -> str:
    """A run as another tool reads it: its model map, its plan, its prompts or its log's bill.

    show_text  whether prompts and answers of the log may be in it: what holds them is refused otherwise
    redact     with placeholders for personal data and keys in them
    """
    settings, place = load_settings(config), Workspace.at(workspace)
    return exported(to, RunSource(run, base_url, place, settings, show_text, redact, say))


def label_export(  # noqa: PLR0913  one parameter a choice
    run: str | None = None,
    *,
    folder: Path,
    count: int = 200,
    tasks: Sequence[str] = (),
    candidate: str | None = None,
    checked: bool = False,
    seed: int | None = None,
    redact: bool = True,
    config: Path | None = None,
    workspace: Path | None = None,
) -> LabelExportView:
    """Draws pairs of a run and writes them to a folder, for people to compare blind: a page and a table.

    Pairs that a judge decided; with `checked` also those that checks settled. At most `count`, spread over the run's
    tasks and candidates, or over `tasks` and one `candidate`. The run's own seed, unless another is given.
    With placeholders for personal data and keys, unless `redact` says otherwise.
    """
    from llmcost.api.labelling import export_packet, record_of
    from llmcost.api.shown import shown
    from llmcost.labelling.draw import Wish

    place = Workspace.at(workspace)
    record, calls = record_of(run, place)
    chosen = record.seed if seed is None else seed
    wish = Wish(count=count, seed=chosen, tasks=tasks, candidate=candidate, checked=checked)
    texts = shown(load_settings(config), redact)
    return LabelExportView(export_packet(record, calls, folder, wish, place, texts))


def label_import(files: Sequence[Path], *, run: str | None = None, workspace: Path | None = None) -> LabelImportView:
    """Takes in people's verdicts on exported pairs, one file a person; the next replay decides with them.

    All files of one packet belong into one call: what the packet said before is replaced.
    """
    from llmcost.api.labelling import import_labels

    return LabelImportView(import_labels(run, files, Workspace.at(workspace)))


def plan_monitor(  # noqa: PLR0913  one parameter a choice
    paths: Sequence[str] | str = (),
    *,
    run: str | None = None,
    graders: Sequence[str] | None = None,
    base_url: str | None = None,
    allow_hosts: Sequence[str] | None = None,
    redact: bool | None = None,
    sample: int | None = None,
    alpha: float | None = None,
    allow_related_judge: bool | None = None,
    budget: float | None = None,
    seed: int | None = None,
    concurrency: int | None = None,
    restart: bool = False,
    options: Options | None = None,
    config: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
) -> Monitor:
    """A look at the promises of a run (the last one) on newer logs (the last audited if none are named). Sends nothing.

    graders  models that compare answers blind where no expected answer is known; the run's unless others are named
    allow_hosts  hosts that may be talked to, no other; by default those that are named as endpoints
    redact   whether personal data and keys leave as placeholders; by default, unless the endpoint is this machine
    sample   most prompts a task of this log (200)
    alpha    chance of any false alarm on any promise, however often one looks (5 %)
    budget   hard cap of this look in US dollars; by default the worst case that the estimate states
    restart  forget what was watched of this run before
    """
    from llmcost.api.monitoring import monitoring  # brings the HTTP client, which an audit has no use for

    settings, place = _guarded(load_settings(config), allow_hosts, redact), Workspace.at(workspace)
    promised = report(run, workspace=workspace).result
    given = {
        "graders": tuple(promised.graders if graders is None else graders),
        "alpha": FALSE_ALARMS if alpha is None else alpha,
        "allow_related_judge": allow_related_judge,
        "budget": budget,
        "seed": seed,
        "concurrency": concurrency,
    }
    chosen = msgspec.structs.replace(settings.replay, **{k: v for k, v in given.items() if v is not None})
    _refuse_nonsense(chosen)
    url = chosen_base_url(base_url, settings)
    files, reading = _logs_or_last(_listed(paths), options, settings, place, say)
    traffic = load(files, reading, settings, place, say)
    return monitoring(
        promised,
        traffic,
        chosen,
        sample=sample or WATCHED,
        base_url=url,
        workspace=place,
        restart=restart,
        egress=permitted(settings.egress, allow_hosts, base_url),
    )


def monitor(paths: Sequence[str] | str = (), *, budget: float, **choices: Any) -> MonitorView:
    """Whether a run's promises hold on these logs (see `plan_monitor`); never spends more than `budget` US dollars."""
    return plan_monitor(paths, budget=budget, **choices).run()


def prices(model: str, *, config: Path | None = None, workspace: Path | None = None) -> PricesView:
    """What a model costs per million tokens, since when, and who says so. Raises InputError if nobody prices it."""
    settings, place = load_settings(config), Workspace.at(workspace)
    book = pricing.load(settings.models, place.prices_path())
    found = pricing.describe(book, model)
    if found is None:
        near = pricing.suggest(book, model)
        also = f"; did you mean {', '.join(near)}?" if near else ""
        raise InputError(
            f"no price is known for {model!r} (prices of {book.as_of})",
            f'add [models."{model}"] price = {{input = …, output = …}} to llmcost.toml{also}',
        )
    return PricesView(found)


def update_prices(*, config: Path | None = None, workspace: Path | None = None, today: datetime | None = None) -> str:
    """Fetches the two public catalogues and keeps the new price book in the workspace; gives a line to say.

    Raises ConfigError if [egress] allow_hosts does not allow the host that they are at.
    """
    from llmcost.endpoint.download import fetch

    allowed = egress(load_settings(config).egress.allow_hosts)
    place = Workspace.at(workspace).prepare()
    stamp = pricing.update(partial(fetch, egress=allowed), place.prices, (today or datetime.now(UTC)).date())
    return f"prices of {stamp.as_of} (sha256 {stamp.sha256[:12]}…) are in {place.prices}"


def _showing(settings: Settings, top: int | None) -> Settings:
    """The settings with as many values of a tag as are to be shown at least."""
    if top is None:
        return settings
    if top < 1:
        raise ConfigError(f"--top {top} shows nothing", "write a number of rows, such as 20")
    audit = msgspec.structs.replace(settings.audit, top_tag_values=max(top, settings.audit.top_tag_values))
    return msgspec.structs.replace(settings, audit=audit)


def _guarded(settings: Settings, allow_hosts: Sequence[str] | None, redact: bool | None) -> Settings:
    """The settings with what was asked for of where prompts may go, and of what is hidden in them."""
    egress, hiding = settings.egress, settings.redact
    if allow_hosts is not None:  # a configuration cannot widen what the command line allows
        egress = msgspec.structs.replace(egress, allow_hosts=tuple(allow_hosts))
    if redact is not None:
        hiding = msgspec.structs.replace(hiding, enabled=redact)
    return msgspec.structs.replace(settings, egress=egress, redact=hiding)


def _named_by(  # noqa: PLR0913, PLR0917  one parameter a choice
    model: str,
    result: AuditResult,
    traffic: Traffic,
    base_url: str | None,
    allowed: Egress,
    budget: float | None,
    agreed: Callable[[str], bool],
    place: Workspace,
    say: Say,
) -> AuditResult:
    from llmcost.api.naming import NameWith, named  # brings the HTTP client

    url = chosen_base_url(base_url, traffic.settings)
    key = traffic.settings.replay.api_key_env
    chosen = NameWith(model=model, base_url=url, budget=budget, agreed=agreed, api_key_env=key, egress=allowed)
    return named(result, traffic, chosen, place, say)


def _logs_or_last(
    paths: Sequence[str], options: Options | None, settings: Settings, workspace: Workspace, say: Say
) -> tuple[Sequence[str], Options]:
    """The logs to replay and how to read them: those named, those configured, else those audited last."""
    if paths or settings.logs.paths:
        return log_paths(paths, settings), options or Options()
    last = workspace.last_logs()
    if last is None:
        raise ConfigError("no log named and none audited here yet", "llmcost audit LOGS first, or name the logs")
    say(f"logs: {', '.join(last.paths)} (last audited)")
    unsaid = options is None or options == Options()
    return last.paths, remembered(last) if unsaid else options or Options()


WATCHED = 200  # prompts a task of one log
FALSE_ALARMS = 0.05
MOST_OF = {"looks": 20, "aa": 100_000}
USUAL = {"looks": "5 is usual, 1 looks only at the end", "aa": "200 is usual, 0 does not ask the incumbent again"}


def _refuse_nonsense(replay: ReplaySettings) -> None:
    for name, value in (("margin", replay.margin), ("limit", replay.limit)):
        if value is not None and not 0 < value < 1:
            raise ConfigError(f"{name} {value:g} is not a share between 0 and 1", "write 2% or 0.02")
    for name, least, number in (("looks", 1, replay.looks), ("aa", 0, replay.aa)):
        if not least <= number <= MOST_OF[name]:
            raise ConfigError(f"{name} {number} is not between {least} and {MOST_OF[name]}", USUAL[name])
    if not 0 < replay.alpha < 0.5:
        raise ConfigError(f"alpha {replay.alpha:g} is not between 0 and 0.5", "0.05 is usual")


def _listed(paths: Sequence[str] | str) -> Sequence[str]:
    return [paths] if isinstance(paths, str) else [str(path) for path in paths]
