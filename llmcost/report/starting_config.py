"""llmcost.toml to start from: what a log shows is filled in, all else stands there as a comment with its default.

Nothing of a prompt is written: a call site is named by its fingerprint and the kind of work that it does.
A setting that is not made begins with `#` and no space, words about it with `# `: what may be taken away is plain.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from llmcost.config import AuditSettings, GateSettings, ReplaySettings
from llmcost.report.exports.text import quoted
from llmcost.report.untrusted import visible

SITES_SHOWN, TASKS_SHOWN, NAMES_SHOWN = 12, 20, 12
WIDTH, LONGEST = 110, 1_500
TO_BE_FILLED_IN = "{ input = 999.0, output = 999.0 }"  # a price that nobody overlooks; 0 would be free of charge


@dataclass(frozen=True, slots=True)
class Site:
    """A call site that no tag names: its fingerprint, the kind of its work, its calls."""

    fingerprint: str
    kind: str
    calls: int

    @property
    def name(self) -> str:
        """What it is called until somebody knows better; no two are called the same."""
        return f"{self.kind} {self.fingerprint}"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the answers of a task are like.

    checks  that the expected answers of the log call for, most frequent first; empty: it has none to check
    labels  how many labels its answers are; 0: they are no closed set      demanded_json  whether requests ask for JSON
    """

    task: str
    calls: int
    checks: Sequence[str] = ()
    labels: int = 0
    demanded_json: bool = False

    @property
    def kind(self) -> str | None:
        """The check to start from; None: nothing speaks for one, or expected answers are of several shapes."""
        if self.checks:
            return self.checks[0] if len(self.checks) == 1 else None
        return "json" if self.demanded_json else "exact" if self.labels else None


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that may be tried, and what the calls that it would take over cost there, as a share of today's."""

    model: str
    share: float
    answers_already: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a log shows, and what a user said on the way. All empty: there was none.

    task_field   the tag that names tasks, if a user said so      usual_field  one that is found without being named
    tags         the keys of the log's tags                       mapped       fields that a user said to be elsewhere
    tasks        tasks that a tag names                           models       that answer today
    nameless     calls that neither a tag nor a call site tells apart
    graders      models that may judge: of no maker of a candidate, nor of a model that answers today
    """

    paths: Sequence[str] = ()
    formats: Sequence[str] = ()
    calls: int = 0
    mapped: Mapping[str, str] = field(default_factory=dict)
    expected_field: str | None = None
    cost_mode: str | None = None
    task_field: str | None = None
    usual_field: str | None = None
    tags: Sequence[str] = ()
    tasks: Sequence[str] = ()
    sites: Sequence[Site] = ()
    nameless: int = 0
    answers: Sequence[Answers] = ()
    offers: Sequence[Offer] = ()
    graders: Sequence[str] = ()
    unpriced: Sequence[str] = ()
    models: Sequence[str] = ()
    base_url: str | None = None

    @property
    def candidates(self) -> list[str]:
        """The models to try first: those that do not answer here already, where there are such."""
        new = [offer.model for offer in self.offers if not offer.answers_already]
        return new or [offer.model for offer in self.offers]

    @property
    def to_graders(self) -> list[str]:
        """Tasks without an expected answer: whoever is to tell whether a new answer is as good must read it."""
        return [each.task for each in self.answers if not each.checks]


def starting_config(look: Look) -> str:
    """The text of llmcost.toml."""
    parts = (_logs, _tasks, _audit, _replay, _checks, _models, _gate)
    return "".join(_said(HEAD)) + "".join("\n" + "".join(part(look)) for part in parts)


def summary(look: Look) -> list[str]:
    """What was found, in a few lines of talk."""
    if not look.calls:
        return ["no log named, and none audited here yet: a general file"]
    named = f"{_counted(len(look.tasks), 'task')} named by {look.task_field or look.usual_field or 'a tag'}"
    untagged = f"{_counted(len(look.sites), 'call site')} without a tag" if look.sites else ""
    checked = len(look.answers) - len(look.to_graders)
    graded = f"{_counted(checked, 'task')} with expected answers, {len(look.to_graders)} for graders"
    nameless = f"{_counted(look.nameless, 'call')} of no task" if look.nameless else ""
    kinds = [_counted(look.calls, "call"), named if look.tasks else "", untagged, nameless]
    kinds += [graded] if look.answers else []
    unpriced = [f"without a price: {_few(look.unpriced)}"] if look.unpriced else []
    return [visible(line, LONGEST) for line in ("found: " + " · ".join(filter(None, kinds)), *unpriced)]


USUAL_ANSWERS = Answers("classify", 0, ("exact",))
HEAD = (
    "llmcost.toml: read from the current folder, or the nearest one above it. A flag wins over this file. "
    "Lines that begin with # and no space are settings that are not made: take the # away, and they count. "
    "docs/configuration.md has every key."
)
EXPECTED = "the field with the expected answer (default: metadata.expected and its like are looked for)"
MAPPED = "where this log keeps a field that is looked for elsewhere"
MARGIN = "the loss that you accept (default: 0.02 where answers are checked, 0.05 where judged)"
BUDGET = "the most that a run may cost in US dollars (default: its worst case, which it asks about)"
FIELD = "the tag that names a call's task (default: metadata.task, metadata.feature and their like are looked for)"
KINDS = "exact, numeric, json, json_field (with field = …), contains, literal or judge"


def _logs(look: Look) -> Iterator[str]:
    yield "[logs]\n"
    if look.formats:
        yield from _said(f"found: {_counted(look.calls, 'call')}, {', '.join(look.formats)}")
    paths = _listed(look.paths or ["logs/*.jsonl"])
    yield _key("what is read where a command names no log, seen from where it runs", "paths", paths, look.paths)
    yield _key(EXPECTED, "expected_field", quoted(look.expected_field or "metadata.expected"), look.expected_field)
    if look.mapped:
        pairs = ", ".join(f"{quoted(name)} = {quoted(path)}" for name, path in sorted(look.mapped.items()))
        yield _key(MAPPED, "map", f"{{ {pairs} }}", look.mapped)


def _tasks(look: Look) -> Iterator[str]:
    yield "[tasks]\n"
    if look.tasks:
        yield from _said(f"found: {_few(look.tasks, TASKS_SHOWN)}")
    if look.nameless:
        yield from _said(f"{_counted(look.nameless, 'call')} of no task: neither a tag nor a system prompt names one")
    if look.tags and not look.tasks:
        yield from _said(f"tags in this log: {_few(look.tags)}")
    usual = quoted(look.usual_field or "metadata.feature")
    yield _key(FIELD, "field", quoted(look.task_field) if look.task_field else usual, look.task_field)
    for site in look.sites[:SITES_SHOWN]:
        yield "\n"
        yield from _said(
            f"a call site without a tag: {_counted(site.calls, 'call')}, {site.kind}. Call it what you like:"
        )
        yield f"#[[tasks.rules]]\n#name = {quoted(site.name)}\n#call_site = {quoted(f'*·{site.fingerprint}')}\n"


def _audit(look: Look) -> Iterator[str]:
    usual = AuditSettings()
    yield "[audit]\n"
    yield _key("models whose prices your calls are held against", "compare", _toml(usual.compare))
    yield _key("how long an identical answer may be kept", "cache_ttl", _toml(usual.cache_ttl))
    said = "what a call cost: computed (the price list), logged (the log's word), auto (that, where credible)"
    yield _key(said, "cost_mode", _toml(look.cost_mode or usual.cost_mode), look.cost_mode)


def _replay(look: Look) -> Iterator[str]:
    usual = ReplaySettings()
    yield "[replay]\n"
    said = "your OpenAI-compatible endpoint; its key comes from LLMCOST_API_KEY and is never written down"
    yield _key(said, "base_url", quoted(look.base_url or "https://your-endpoint/v1"), look.base_url)
    yield from _said("models to try instead of today's, as your endpoint calls them (default: none)")
    for offer in look.offers:
        already = "; answers some of them today" if offer.answers_already else ""
        yield from _said(f"  {offer.model}: {offer.share * 100:.2g} % of today's cost by the price list{already}")
    yield _setting("models", _listed(look.candidates or ["deepseek-v4-flash", "qwen3-8b"]), bool(look.offers))
    yield from _graders(look)
    yield _key(
        "the most that a run may cost in US dollars (default: its worst case, which it asks about)", "budget", "5.0"
    )
    yield _key("the most prompts of a task", "sample", _toml(usual.sample))
    yield _key(
        "the loss that you accept (default: 0.02 where answers are checked, 0.05 where judged)", "margin", "0.02"
    )
    yield _key("a looser one, at which a switch is named all the same (default: none)", "limit", "0.08")
    yield _key('what is tried: "map" is other models alone', "strategies", _toml(usual.strategies))


def _graders(look: Look) -> Iterator[str]:
    yield from _said(
        "who compares answers where none is expected, blind; best two, of different makers (default: none)"
    )
    if look.models and not look.graders:
        yield from _said("none is proposed: all that are known here share a maker with a model that they would judge")
    elif look.models:
        yield from _said("these share no maker with the models above, nor with those that answer today")
    yield _setting("graders", _listed(look.graders or ["gemini-2.5-flash", "claude-haiku-4-5"]))


def _checks(look: Look) -> Iterator[str]:
    yield from _said(f"How answers of a task are checked, where the default (by their shape) is not right: {KINDS}.")
    if look.to_graders:
        yield from _said(f"without an expected answer in the log: {_few(look.to_graders, TASKS_SHOWN)}")
    for each in [each for each in look.answers if each.checks or each.kind][:TASKS_SHOWN] or [USUAL_ANSWERS]:
        if each.calls:
            yield from _said(f"{each.task}: {_counted(each.calls, 'call')}, {', '.join(_what_answers_are(each))}")
        if each.kind:
            yield f"#[checks.{quoted(each.task)}]\n#kind = {quoted(each.kind)}\n"
            yield _setting("margin", "0.02")


def _what_answers_are(answers: Answers) -> Iterator[str]:
    if answers.checks:
        yield f"expected answers in the log are checked as {' or '.join(answers.checks)}"
    if answers.labels:
        yield f"{_counted(answers.labels, 'label')} are nearly all answers"
    if answers.demanded_json:
        yield "requests demand JSON"
    if not answers.checks:
        yield "what is the same by this check is a tie, and graders see the rest"


def _models(look: Look) -> Iterator[str]:
    yield from _said("Prices of your own, in US dollars per million tokens. They win over every catalogue.")
    for model in look.unpriced[:TASKS_SHOWN] or ("my-model",):
        if look.unpriced:
            yield from _said(f"{model}: not priced by any catalogue: fill in")
        yield f"#[models.{quoted(model)}]\n#price = {TO_BE_FILLED_IN}\n"
    if more := look.unpriced[TASKS_SHOWN:]:
        yield from _said(f"and {_few(more)}")


def _gate(look: Look) -> Iterator[str]:
    usual = GateSettings()
    yield "[gate]\n"
    yield _key(
        "rise of the cost per call that `llmcost check` allows, a share",
        "max_increase",
        _toml(usual.max_increase),
        True,
    )
    yield _key("a model that the baseline does not know: fail, warn or ignore", "new_models", _toml(usual.new_models))
    yield _key("the same of one without a price", "unpriced_models", _toml(usual.unpriced_models))
    tasks = f"{{ {quoted(look.tasks[0] if look.tasks else 'classify')} = 0.1 }}"
    yield _key("rises that single tasks are allowed (default: as above)", "tasks", tasks)


def _key(said: str, name: str, value: str, made: object = None) -> str:
    return "".join(_said(said)) + _setting(name, value, made)


def _setting(name: str, value: str, made: object = None) -> str:
    """A setting that counts if it is `made`."""
    return f"{'' if made else '#'}{name} = {value}\n"


def _said(text: str) -> Iterator[str]:
    """Lines of comment; whatever the text says, it is nothing else."""
    shown = visible(text, LONGEST)
    indent = " " * (len(shown) - len(shown.lstrip()))
    yield from (f"# {indent}{each}\n" for each in textwrap.wrap(shown.strip(), WIDTH, break_on_hyphens=False))


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, names))}]"


def _toml(value: Any) -> str:
    """A default as TOML: numbers, texts and lists are written as in JSON."""
    return msgspec.json.encode(value).decode().replace(",", ", ")


def _few(names: Sequence[str], most: int = NAMES_SHOWN) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
