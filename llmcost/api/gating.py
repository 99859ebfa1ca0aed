"""Logs → a baseline to be committed, and a log against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import xxhash

from llmcost import gate, logs
from llmcost.api.traffic import Options, Say, Traffic, load, log_paths
from llmcost.api.views import CheckView
from llmcost.config import Settings
from llmcost.config import load as load_settings
from llmcost.errors import ConfigError, InputError
from llmcost.gate import Log, RunFacts, Shown
from llmcost.pricing import price_by_kind
from llmcost.recommend.result import Candidate, ReplayReport
from llmcost.serving.rendering import question_text
from llmcost.tasks.tags import tag_values
from llmcost.version import VERSION
from llmcost.workspace import Workspace

MOST_CASES = 20_000  # of a suite whose prompts are read to be told apart
CASE_DIGITS = 16


def baseline(
    paths: Sequence[str] | str,
    *,
    paired: bool = False,
    pair_by: str | None = None,
    options: Options | None = None,
    config: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
) -> str:
    """The text of a baseline file: cost per call by task, no prompt text. See `check` for `paired` and `pair_by`."""
    traffic = _traffic(paths, options, load_settings(config), workspace, say)
    log = _log(traffic, paired or pair_by is not None, pair_by)
    return gate.to_text(gate.baseline(log, stamp=traffic.book.stamp, version=VERSION))


def check(  # noqa: PLR0913  one parameter a choice
    paths: Sequence[str] | str,
    *,
    baseline: Path,
    max_increase: float | None = None,
    paired: bool = False,
    pair_by: str | None = None,
    run: str | None = None,
    options: Options | None = None,
    config: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
) -> CheckView:
    """Whether these logs cost certainly more per call than the baseline allows, at the baseline's task mix.

    max_increase  the share that is allowed; what else is held, the configuration says ([gate])
    paired        the logs are a suite of prompts, asked before and after a change: compared case by case
    pair_by       the tag that names a case; without one, the last turn of the user does
    run           a replay (its name in the workspace, or a file of its report): models that answer now and did not
                  before must have been shown by it to be good enough
    """
    settings, past = load_settings(config), gate.read(baseline)
    facts = None if run is None else _facts(run, _workspace(workspace))
    traffic = _traffic(paths, options, settings, workspace, say)
    chosen = settings.gate
    if max_increase is not None:
        chosen = msgspec.structs.replace(chosen, max_increase=max_increase)
    log = _log(traffic, paired or pair_by is not None, pair_by)
    return CheckView(gate.check(log, past, chosen, traffic.book.stamp, VERSION, facts))


def _traffic(
    paths: Sequence[str] | str, options: Options | None, settings: Settings, workspace: Path | None, say: Say
) -> Traffic:
    chosen = log_paths([paths] if isinstance(paths, str) else paths, settings)
    return load(chosen, options or Options(), settings, _workspace(workspace), say)


def _workspace(path: Path | None) -> Workspace:
    return Workspace.find() if path is None else Workspace(path)


def _log(traffic: Traffic, paired: bool, pair_by: str | None) -> Log:
    cases = _cases(traffic, pair_by) if paired else None
    return Log(traffic.calls, traffic.costs, price_by_kind(traffic.calls, traffic.book), cases)


def _cases(traffic: Traffic, pair_by: str | None) -> list[str | None]:
    """For each call a key of the case that it answers, which tells nothing of its text; None: it cannot be told."""
    if pair_by is not None:
        names: list[str | None] = tag_values(traffic.calls, pair_by).to_pylist()
        return [None if name is None else _key(name) for name in names]
    if len(traffic.calls) > MOST_CASES:
        raise ConfigError(
            f"{len(traffic.calls):,} calls are no suite of prompts: at most {MOST_CASES:,} are compared case by case",
            "name cases by a tag (--pair-by metadata.case), or compare logs without --paired",
        )
    return [_asked(body.request) for body in logs.bodies(traffic.calls)]


def _asked(request: object) -> str | None:
    """The key of what the user asked last: it stays when the instructions before it, or the model, are changed."""
    messages = request.get("messages") if isinstance(request, dict) else None
    turns = [each for each in messages or [] if isinstance(each, dict) and each.get("role") == "user"]
    return _key(question_text({"messages": turns[-1:]})) if turns else None


def _key(name: str) -> str:
    return xxhash.xxh3_128_hexdigest(name.encode("utf-8", "surrogatepass"))[:CASE_DIGITS]


def _facts(run: str, place: Workspace) -> RunFacts:
    """What a run has shown. Raises InputError if there is none of that name and no such file."""
    try:
        content = Path(run).read_bytes() if run.endswith(".json") else place.load_run(run)
        report = msgspec.json.decode(content, type=ReplayReport)
    except OSError as error:
        raise InputError(
            f"cannot read {run}: {error.strerror}", "llmcost report --format json -o FILE makes one"
        ) from (error)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"run {run} cannot be read: {error}", "replay again, or name a report in JSON") from error
    shown = [
        Shown(task.task, candidate.model, candidate.verdict, _loss(candidate), task.margin)
        for task in report.tasks
        for candidate in task.candidates
    ]
    bound = report.bill.quality.lower_bound
    return RunFacts(report.run, shown, None if bound is None else max(-bound, 0.0))


def _loss(candidate: Candidate) -> float | None:
    passed = candidate.verdict in ("SWITCH", "SWITCH_AT")
    return candidate.certified_margin if passed else None
