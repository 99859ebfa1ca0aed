"""The command that makes a run again: every choice that shapes its result, and nothing secret."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from llmcost.api.traffic import Options
from llmcost.config import ReplaySettings
from llmcost.endpoint.address import shown as url_shown

Shown = Callable[[Any], str]


def _percent(share: float) -> str:
    """A share as it is usually written, else with all its digits: read again, it is the same number."""
    usual = f"{share * 100:.10g}"
    return f"{usual}%" if float(usual) / 100 == share else repr(share)


def _number(value: float) -> str:
    """The same of any number."""
    usual = f"{value:.10g}"
    return usual if float(usual) == value else repr(value)


def _listed(names: Sequence[str]) -> str:
    return ",".join(names)


_CHOICES: tuple[tuple[str, str, Shown], ...] = (
    ("models", "--models", _listed),
    ("graders", "--grader", _listed),
    ("strategies", "--strategies", lambda names: names if isinstance(names, str) else _listed(names)),
    ("sample", "--sample", str),
    ("looks", "--looks", str),
    ("margin", "--margin", _percent),
    ("limit", "--limit", _percent),
    ("alpha", "--alpha", _number),
    ("alpha_scope", "--alpha-scope", str),
    ("aa", "--aa", str),
    ("budget", "--budget", _number),  # a sample of "auto" goes as far as it reaches
    ("seed", "--seed", str),
)
_READING: tuple[tuple[str, str], ...] = (
    ("since", "--since"),
    ("until", "--until"),
    ("task_field", "--task-field"),
    ("expected_field", "--expected-field"),
    ("format", "--input-format"),
    ("cost_mode", "--cost-mode"),
)


def command(
    files: Sequence[str],
    replay: ReplaySettings,
    options: Options,
    base_url: str,
    *,
    redact: bool | None = None,
    config: Path | None = None,
) -> str:
    """`llmcost replay …` with the seed and all other choices, quoted for a shell; what is unset is left out.

    Prices, checks and parameters of models are the configuration's, which has to be the same: `config` if one was
    named, else what is found where the command is run.
    """
    words = ["llmcost", "replay", *map(_no_flag, files), *_chosen(replay), *_read(options)]
    named = [] if config is None else ["--config", str(config)]
    hidden = [] if redact is None else ["--redact" if redact else "--no-redact"]
    return shlex.join([*words, "--base-url", url_shown(base_url), *hidden, *named])


def _no_flag(file: str) -> str:
    """A file whose name begins like a flag is not to be taken for one; "-" alone is stdin."""
    return f"./{file}" if file.startswith("-") and file != "-" else file


def _chosen(replay: ReplaySettings) -> Iterator[str]:
    for name, flag, shown in _CHOICES:
        if (value := getattr(replay, name)) not in (None, ()):
            yield from (flag, shown(value))
    if replay.allow_related_judge:
        yield "--allow-related-judge"


def _read(options: Options) -> Iterator[str]:
    for name, flag in _READING:
        if value := getattr(options, name):
            yield from (flag, value)
    for field, path in sorted(options.fields.items()):
        yield from ("--map", f"{field}={path}")
    if options.estimate_tokens:
        yield "--estimate-tokens"
