"""llmcost.toml to start from: what a log shows is filled in, all else stands there as a comment with its default.

Nothing of a prompt is written: a call site is named by its fingerprint and the kind of work that it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcost.report.exports.text import comment, quoted

SITES_SHOWN, TASKS_SHOWN = 12, 20


@dataclass(frozen=True, slots=True)
class Site:
    """A call site that no tag names: its fingerprint, the kind of its work, its calls."""

    fingerprint: str
    kind: str
    calls: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that may be tried, and what the log's tokens would cost on it, as a share of today's; None: unknown."""

    model: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a log shows. All empty: there was none.

    task_field   the tag that names tasks, if a user said so      usual_field  one that is found without being named
    labelled     tasks whose calls carry an expected answer
    """

    paths: Sequence[str] = ()
    formats: Sequence[str] = ()
    calls: int = 0
    task_field: str | None = None
    usual_field: str | None = None
    tasks: Sequence[str] = ()
    sites: Sequence[Site] = ()
    labelled: Sequence[str] = ()
    offers: Sequence[Offer] = ()
    unpriced: Sequence[str] = ()
    models: Sequence[str] = ()
    base_url: str | None = None
    compare: Sequence[str] = ()


def starting_config(look: Look) -> str:
    """The text of llmcost.toml."""
    parts = (_logs, _tasks, _audit, _replay, _checks, _models, _gate)
    head = "# llmcost.toml: read from here upwards by every command. docs/configuration.md names every key.\n"
    return head + "".join("\n" + "".join(part(look)) for part in parts)


def _logs(look: Look) -> Iterator[str]:
    yield "[logs]\n"
    if look.formats:
        yield comment(f"found: {look.calls:,} calls, {', '.join(look.formats)}")
    paths = f"paths = [{', '.join(map(quoted, look.paths))}]\n" if look.paths else '# paths = ["logs/*.jsonl"]\n'
    yield from ("# what commands read where no log is named\n", paths)


def _tasks(look: Look) -> Iterator[str]:
    yield "[tasks]\n# the tag that names the task; by default metadata.task and its like are looked for\n"
    usual = quoted(look.usual_field or "metadata.feature")
    yield f"field = {quoted(look.task_field)}\n" if look.task_field else f"# field = {usual}\n"
    if look.tasks:
        more = f" and {len(look.tasks) - TASKS_SHOWN} more" if len(look.tasks) > TASKS_SHOWN else ""
        yield comment(f"found: {', '.join(look.tasks[:TASKS_SHOWN])}{more}")
    for site in look.sites[:SITES_SHOWN]:
        yield comment(f"a call site without a tag, {site.calls:,} calls, {site.kind}: name it, and it is a task")
        yield "# [[tasks.rules]]\n"
        yield f"# name = {quoted(site.kind)}\n# call_site = {quoted(f'*·{site.fingerprint}')}\n"


def _audit(look: Look) -> Iterator[str]:
    models = ", ".join(map(quoted, look.compare))
    yield f"[audit]\n# models that the audit prices your traffic on\n# compare = [{models}]\n"
    yield '# how long an answer may be kept in a response cache\n# cache_ttl = "1h"\n'


def _replay(look: Look) -> Iterator[str]:
    yield "[replay]\n# the OpenAI-compatible endpoint; the key comes from LLMCOST_API_KEY or OPENAI_API_KEY alone\n"
    yield f"{'' if look.base_url else '# '}base_url = {quoted(look.base_url or 'https://your-endpoint/v1')}\n"
    yield "# candidates: what the log's tokens would cost on them, before anybody has looked at their answers\n"
    for offer in look.offers:
        share = "price unknown" if offer.share is None else f"{offer.share * 100:.0f} % of today's cost"
        yield comment(f"  {offer.model}: {share}")
    named = ", ".join(quoted(offer.model) for offer in look.offers)
    yield f"models = [{named}]\n" if look.offers else '# models = ["deepseek-v4-flash", "qwen3-8b"]\n'
    yield "# who compares answers where none is expected; not of the maker of a model that it judges\n"
    yield '# graders = ["gemini-2.5-flash"]\n'
    yield "# the most that a run may cost, in US dollars, graders included\n# budget = 5.0\n"
    yield "# the largest loss of quality that you accept; by default 2 % where checked, 5 % where judged\n"
    yield "# margin = 0.02\n"


def _checks(look: Look) -> Iterator[str]:
    yield "# How answers are checked, where the default choice is not the right one.\n"
    for task in look.labelled[:TASKS_SHOWN]:
        yield comment(f"{task}: its calls carry an expected answer, which is compared with")
    task = look.labelled[0] if look.labelled else look.tasks[0] if look.tasks else "classify"
    yield f"# [checks.{quoted(task)}]\n"
    yield '# kind = "exact"\n'


def _models(look: Look) -> Iterator[str]:
    yield "# A model of your own, or a price that you negotiated: fill in US dollars per million tokens.\n"
    for model in look.unpriced or ("my-model",):
        if look.unpriced:
            yield comment(f"{model}: no catalogue prices it, its calls are in no figure")
        yield f"# [models.{quoted(model)}]\n# price = {{ input = 0.0, output = 0.0 }}\n"


def _gate(look: Look) -> Iterator[str]:
    yield "[gate]\n# the rise of the cost per call that llmcost check allows\nmax_increase = 0.05\n"
    yield "# what a model does that the baseline does not know: fail, warn or ignore\n"
    yield '# new_models = "warn"\n'
