"""A look at a log → the configuration to start from."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from llmcost import logs, tasks
from llmcost.api.exporting import remembered
from llmcost.api.traffic import Options, Say, Traffic, load
from llmcost.audit import audit
from llmcost.audit.closed_answers import labels_of
from llmcost.audit.exemplars import Exemplars
from llmcost.audit.ledger import ledger
from llmcost.audit.result import AuditResult
from llmcost.audit.savings import Stack
from llmcost.audit.ttl import ttl_seconds
from llmcost.call_site import fingerprint
from llmcost.calls import Call
from llmcost.config import DEFAULT_TASK_FIELDS, AuditSettings, Settings
from llmcost.endpoint.address import masked
from llmcost.errors import ConfigError
from llmcost.grading import may_judge
from llmcost.grading.checks import choose
from llmcost.logs import Progress, no_progress
from llmcost.report.exports.mapping import without_credentials
from llmcost.report.starting_config import Answers, Look, Offer, Site, starting_config, summary
from llmcost.serving.validity import demands_json
from llmcost.strategies import CachePolicy
from llmcost.version import VERSION
from llmcost.workspace import Workspace

GRADERS = ("gemini-2.5-flash", "claude-haiku-4-5", "gpt-4.1-mini", "mistral-medium-latest")  # cheap ones of four makers
GRADERS_NAMED = 2


def init(
    paths: Sequence[str] | str = (),
    *,
    options: Options | None = None,
    output: Path | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
    progress: Progress = no_progress,
) -> str:
    """The text of an annotated llmcost.toml for these logs (the last audited if none are named). Uses no network.

    Where no log is known the text is a general one. It is written to `output`, if that is given. Raises ConfigError,
    before anything is read, if there is such a file already.
    """
    if output is not None and output.exists():
        raise _is_there(output)
    place = Workspace.at(workspace)
    look = _look([paths] if isinstance(paths, str) else list(paths), options, place, say, progress)
    for line in summary(look):
        say(line)
    text = starting_config(look)
    if output is not None:
        write_new(text, output)
    return text


def write_new(text: str, path: Path) -> None:
    """Writes a file that is not there yet, whole or not at all. Raises ConfigError if it is, or cannot be written."""
    made = False
    try:
        with path.open("xb", buffering=0) as file:
            made = True
            file.write(text.encode())
    except FileExistsError as error:
        raise _is_there(path) from error
    except OSError as error:
        if made:
            path.unlink(missing_ok=True)
        raise ConfigError(f"cannot write {path}: {error.strerror}", "name another file with -o, or --stdout") from error


def _is_there(path: Path) -> ConfigError:
    return ConfigError(f"{path} is there already: nothing was written", "name another file with -o, or --stdout")


def _look(paths: Sequence[str], options: Options | None, place: Workspace, say: Say, progress: Progress) -> Look:
    """What these logs show, or those audited last; nothing where there are none."""
    reading, last = options or Options(), None if paths else place.last_logs()
    if last is not None:
        say(f"logs: {', '.join(last.paths)} (last audited)")
        paths, reading = last.paths, remembered(last) if reading == Options() else reading
    if not paths:
        return Look()
    return _seen([_from_here(path) for path in paths], load(paths, reading, Settings(), place, say, progress))


def _from_here(path: str) -> str:
    """A remembered path as it is seen from the current folder, if it is in it; any other as it is."""
    with contextlib.suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def _seen(paths: Sequence[str], traffic: Traffic) -> Look:
    compare = AuditSettings().compare
    found = audit(
        traffic.calls, book=traffic.book, costs=traffic.costs, source=traffic.source(), settings=traffic.settings.audit,
        version=VERSION, bodies=logs.bodies,
    )  # fmt: skip
    stack = _stack(traffic, compare)
    models = [str(row.model) for row in found.by_model]
    said, keys = traffic.options, tasks.tag_keys(traffic.calls)
    sites = _sites(found)
    return Look(
        paths=[path for path in paths if path != "-"],
        formats=traffic.log.formats,
        calls=found.totals.calls,
        mapped=said.fields,
        expected_field=said.expected_field,
        cost_mode=said.cost_mode,
        task_field=said.task_field,
        usual_field=next((name for name in DEFAULT_TASK_FIELDS if tasks.matching_keys(keys, name)), None),
        tags=list(keys),
        tasks=[str(row.task) for row in found.by_task if _tagged(str(row.task))],
        sites=list(sites.values()),
        nameless=sum(row.calls for row in found.by_task if row.task in tasks.SHARED_NAMES),
        answers=_answers(traffic, found, stack, {name: site.name for name, site in sites.items()}),
        offers=_offers(stack, traffic, models),
        graders=[name for name in GRADERS if may_judge(name, [*compare, *models])][:GRADERS_NAMED],
        unpriced=[row.model for row in found.unpriced_models],
        models=models,
        base_url=_endpoint(),
    )


def _stack(traffic: Traffic, compare: tuple[str, ...]) -> Stack:
    """What strategies would save on this log, read by task instead of by call site."""
    by_task = traffic.calls.with_column("call_site", traffic.calls.column("task").combine_chunks())
    entries = ledger(traffic.calls, traffic.costs)
    policy = CachePolicy(ttl_seconds(traffic.settings.audit.cache_ttl))
    return Stack(entries, traffic.book, policy, compare, Exemplars(by_task, entries.costs, logs.bodies))


def _tagged(task: str) -> bool:
    return task not in tasks.SHARED_NAMES and fingerprint(task) is None


def _endpoint() -> str | None:
    """The endpoint of the environment; None where its path holds what looks like a key: the file may be committed."""
    url = without_credentials(os.environ.get("LLMCOST_BASE_URL") or "")
    return url if url and masked(url) == url else None


def _sites(found: AuditResult) -> dict[str, Site]:
    """Call sites that are tasks of their own by their names, the dearest first."""
    own = ((fingerprint(site.call_site), site) for site in found.call_sites if site.task == site.call_site)
    return {site.call_site: Site(mark, site.kind, site.calls) for mark, site in own if mark}


def _answers(traffic: Traffic, found: AuditResult, stack: Stack, names: Mapping[str, str]) -> list[Answers]:
    """What answers are like, for every task that has a name or gets one, dearest first."""
    codes, known = traffic.calls.codes("task")
    labels = dict(zip(known, labels_of(traffic.calls, stack.answered, codes, len(known)).tolist(), strict=True))
    rows = ((str(row.task), row.calls) for row in found.by_task)
    return [
        Answers(names.get(task, task), calls, _checks(seen), labels.get(task, 0), _demanded_json(seen))
        for task, calls in rows
        if _tagged(task) or task in names
        for seen in [stack.exemplars.of(task)]
    ]


def _checks(seen: Sequence[Call]) -> list[str]:
    """The checks that the expected answers of these calls ask for; none where most calls have none to check."""
    wanted = [choose(call.expected or "") for call in seen if not (call.answer and call.answer.tool_calls)]
    names = Counter(check.name for check in wanted if check is not None)
    found = sorted(names, key=lambda name: (-names[name], name))
    return found if 2 * names.total() > len(seen) else []


def _demanded_json(seen: Sequence[Call]) -> bool:
    return 2 * sum(demands_json(call.request or {}) for call in seen) > len(seen)


def _offers(stack: Stack, traffic: Traffic, models: Sequence[str]) -> list[Offer]:
    """The models of `compare` that would make the calls which they do not answer yet cheaper, the cheapest first."""
    used = {entry.id for model in models if (entry := traffic.book.find(model)) is not None}
    found = []
    for model, costs in stack.costs_at.items():
        rows = ~np.isnan(costs) & stack.entries.priced & (costs != stack.entries.costs)
        today, entry = float(stack.entries.costs[rows].sum()), traffic.book.find(model)
        share = float(costs[rows].sum()) / today if today > 0 else 1.0
        if share < 1 and entry is not None:
            found.append(Offer(model, share, entry.id in used))
    return sorted(found, key=lambda offer: (offer.share, offer.model))
