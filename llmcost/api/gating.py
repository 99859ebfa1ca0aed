"""Logs → a baseline to be committed, and a log against it.

Both run where a stranger's changes are checked: whoever wrote the configuration, the baseline, the logs and the
workspace may mean ill. No file outside the checkout is read (see `llmcost.checkout`), no address that only the
configuration names is asked, and nothing that was worked out before is believed: the workspace's index is not used.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import xxhash

from llmcost import gate, logs
from llmcost.api.traffic import Options, Say, Traffic, load, log_paths
from llmcost.api.views import CheckView
from llmcost.checkout import Checkout
from llmcost.config import Settings
from llmcost.config import load as load_settings
from llmcost.errors import ConfigError, InputError
from llmcost.gate import Log, RunFacts, Shown
from llmcost.logs.files import STDIN
from llmcost.logs.stores import is_url
from llmcost.pricing import price_by_kind
from llmcost.recommend.result import Candidate, ReplayReport
from llmcost.serving.rendering import question_text
from llmcost.tasks.tags import tag_keys, tag_values
from llmcost.version import VERSION
from llmcost.workspace import Workspace
from llmcost.workspace.folder import VARIABLE

MOST_CASES = 20_000  # of a suite whose prompts are read to be told apart
CASE_DIGITS = 16
ID = "id"  # names a case by the call's own id

Messages = list[dict[str, Any]]


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
    place = _Place.around(workspace)
    traffic = _traffic(paths, options, place, place.settings(config), say)
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
    pair_by       the tag that names a case, or "id", the call's own; without one, what the user said in it does
    run           a replay (its name in the workspace, or a file of its report): models that answer now and did not
                  before must have been shown by it to be good enough
    """
    place = _Place.around(workspace)
    settings, past = place.settings(config), place.baseline(baseline)
    facts = None if run is None else _facts(run, place)
    traffic = _traffic(paths, options, place, settings, say)
    chosen = settings.gate
    if max_increase is not None:
        chosen = msgspec.structs.replace(chosen, max_increase=max_increase)
    log = _log(traffic, paired or pair_by is not None, pair_by)
    found = gate.check(log, past, chosen, traffic.book.stamp, VERSION, facts)
    return CheckView(msgspec.structs.replace(found, pair_by=pair_by))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a check runs, and what may be read there: all else raises InputError."""

    checkout: Checkout
    workspace: Workspace
    named: Path | None  # the workspace's folder, where a person named it

    @classmethod
    def around(cls, workspace: Path | None) -> _Place:
        found = Workspace.at(workspace)
        named = found.path if workspace is not None or os.environ.get(VARIABLE) else None
        return cls(Checkout.around(), found, named)

    def settings(self, config: Path | None) -> Settings:
        return load_settings(config, admit=partial(self.checkout.admit, typed=config))

    def baseline(self, file: Path) -> gate.BaselineFile:
        self.checkout.admit(file, file)
        return gate.read(file)

    def logs(self, paths: Sequence[str], settings: Settings) -> list[str]:
        """The files that are meant: those of a folder or a glob one by one, for each may lead elsewhere."""
        return [file for path in log_paths(paths, settings) for file in self._files(path, typed=bool(paths))]

    def _files(self, path: str, *, typed: bool) -> Sequence[str]:
        if is_url(path) and typed:
            return [path]
        if is_url(path) or (path == STDIN and not typed):
            raise InputError(
                f"{path} is named by the configuration alone: a check reads files of the checkout",
                "name it on the command line: llmcost check LOGS --baseline FILE",
            )
        files = [path] if path == STDIN else logs.expand([path])
        for file in files:
            if file != STDIN:
                self.checkout.admit(file, path if typed else None)
        return files

    def kept(self, name: str) -> Path:
        """A file of the workspace."""
        file = self.workspace.path / name
        self.checkout.admit(file, self.named)
        return file


def _traffic(
    paths: Sequence[str] | str, options: Options | None, place: _Place, settings: Settings, say: Say
) -> Traffic:
    files = place.logs([paths] if isinstance(paths, str) else paths, settings)
    place.kept(place.workspace.prices.name)
    return load(files, options or Options(), settings, place.workspace, say, indexed=False)


def _log(traffic: Traffic, paired: bool, pair_by: str | None) -> Log:
    by_kind = price_by_kind(traffic.calls, traffic.book)
    if not paired:
        return Log(traffic.calls, traffic.costs, by_kind)
    if pair_by is not None:
        return _suite(Log(traffic.calls, traffic.costs, by_kind, _tagged(traffic, pair_by)))
    requests = _requests(traffic)
    asked, begins = list(map(_asked, requests)), list(map(_begins, requests))
    return _suite(Log(traffic.calls, traffic.costs, by_kind, asked, begins))


def _suite(log: Log) -> Log:
    """The same log. Raises InputError if no call of it tells its case."""
    if not any(log.cases or ()):
        raise InputError(
            "no call of this log tells which case it answers: it holds no prompts of users",
            "name cases by a tag (--pair-by metadata.case), or compare logs without --paired",
        )
    return log


def _tagged(traffic: Traffic, pair_by: str) -> list[str | None]:
    """For each call a key of the case that a tag, or its own id, names; None: it has none."""
    calls = traffic.calls
    names = calls.column(ID) if pair_by == ID and ID not in tag_keys(calls) else tag_values(calls, pair_by)
    return [None if name is None else _key(name) for name in names.to_pylist()]


def _requests(traffic: Traffic) -> list[Messages]:
    """What was asked in each call."""
    if len(traffic.calls) > MOST_CASES:
        raise ConfigError(
            f"{len(traffic.calls):,} calls are no suite of prompts: at most {MOST_CASES:,} are compared case by case",
            "name cases by a tag (--pair-by metadata.case), or compare logs without --paired",
        )
    bodies = [(body.request or {}).get("messages") for body in logs.bodies(traffic.calls)]
    return [[each for each in body if isinstance(each, dict)] if isinstance(body, list) else [] for body in bodies]


def _asked(messages: Messages) -> str | None:
    """The key of what the user said: it stays when the instructions, the answers between, or the model are others."""
    turns = [each for each in messages if each.get("role") == "user"]
    return _key(question_text({"messages": turns})) if turns else None


def _begins(messages: Messages) -> bool:
    """Whether it is the user who is answered; else it is a tool, in a further step."""
    return bool(messages) and messages[-1].get("role") == "user"


def _key(name: str) -> str:
    return xxhash.xxh3_128_hexdigest(name.encode("utf-8", "surrogatepass"))[:CASE_DIGITS]


def _facts(run: str, place: _Place) -> RunFacts:
    """What a run has shown. Raises InputError if there is none of that name and no such file."""
    try:
        content = _report(run, place)
        report = msgspec.json.decode(content, type=ReplayReport)
    except OSError as error:
        raise InputError(
            f"cannot read {run}: {error.strerror}", "llmcost report --format json -o FILE makes one"
        ) from (error)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"run {run} cannot be read: {error}", "replay again, or name a report in JSON") from error
    shown = [
        Shown(task.task, model, "today's model", 0.0, task.margin)
        for task in report.tasks
        for model in dict.fromkeys([task.incumbent.model, *task.incumbent.models])
    ]
    shown += [
        Shown(task.task, candidate.model, candidate.verdict, _loss(candidate), task.margin)
        for task in report.tasks
        for candidate in task.candidates
    ]
    bound = report.bill.quality.lower_bound
    return RunFacts(report.run, shown, None if bound is None else max(-bound, 0.0))


def _report(run: str, place: _Place) -> bytes:
    if not run.endswith(".json"):
        place.kept(f"runs/{run}.json")
        return place.workspace.load_run(run)
    place.checkout.admit(run, run)
    return Path(run).read_bytes()


def _loss(candidate: Candidate) -> float | None:
    passed = candidate.verdict in ("SWITCH", "SWITCH_AT")
    return candidate.certified_margin if passed else None
