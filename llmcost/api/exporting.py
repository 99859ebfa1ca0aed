"""A run → what another tool reads: the report, and on demand the prompts, the bill and the prices behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import msgspec

from llmcost import pricing
from llmcost.api.charging import charges
from llmcost.api.traffic import Options, Say, Traffic, load
from llmcost.config import Settings
from llmcost.errors import ConfigError, InputError
from llmcost.logs.files import expand
from llmcost.pricing import PriceBook
from llmcost.recommend.result import ReplayReport
from llmcost.report.exports import Charge, Rates, SamplePrompt, exporters
from llmcost.workspace import LastLogs, Workspace


def saved_report(run: str | None, place: Workspace) -> ReplayReport:
    """The report of a run as it was saved; of the last run if none is named. Raises InputError if there is none."""
    content = place.load_run(run)
    try:
        return msgspec.json.decode(content, type=ReplayReport)
    except msgspec.DecodeError as error:
        raise InputError(f"run {run or '(last)'} cannot be read: {error}", "replay again; answers are kept") from error


def remembered(last: LastLogs) -> Options:
    """How logs were read; what another version of llmcost called otherwise is left out."""
    known = {item.name for item in fields(Options)}
    return Options(**{name: value for name, value in last.options.items() if name in known})


def exported(to: str, source: RunSource) -> str:
    """The run as the tool `to` reads it. Raises ConfigError for a tool that is not known."""
    known = exporters()
    if to not in known:
        raise ConfigError(f"no export {to!r}", f"choose one of {', '.join(sorted(known))}")
    return known[to](source)


@dataclass(frozen=True)  # without slots: what is read is kept
class RunSource:
    """A run of a workspace, read as far as an exporter asks.

    show_text  whether prompts and answers of the log may be handed out; `say` is told how many were
    redact     whether they hold placeholders for personal data and keys
    """

    run: str | None
    base_url: str | None
    place: Workspace
    settings: Settings
    show_text: bool = False
    redact: bool = True
    say: Say = lambda line: None

    @cached_property
    def report(self) -> ReplayReport:
        """The report of the run."""
        return saved_report(self.run, self.place)

    def prompts(self) -> Sequence[SamplePrompt]:
        """The prompts of the run's sample, in its order."""
        from llmcost.api.sampled import sample_of  # brings the statistics, which an audit has no use for
        from llmcost.api.shown import shown

        if not self.show_text:
            raise ConfigError("this export holds prompts and answers of your log", "if they may be in it: --show-text")
        found = sample_of(self.run, self.place, self.settings.checks, shown(self.settings, self.redact))
        self.say(f"this export holds {len(found):,} prompts of your log, and answers to them: mind who reads it")
        return found

    def charges(self) -> Sequence[Charge]:
        """The run's log as charges; of the logs last audited where no run is saved."""
        return charges(self._traffic())

    def rates(self, model: str, provider: str | None = None) -> Rates | None:
        """What a model costs today, at this provider if one is named."""
        return rates(self._book, model, provider)

    @cached_property
    def _book(self) -> PriceBook:
        return pricing.load(self.settings.models, self.place.prices_path())

    def _traffic(self) -> Traffic:
        last = self.place.last_logs()
        if self.run is None and self.place.last_run() is None:
            if last is None:
                raise InputError("no run is saved here and no log was audited", "llmcost audit LOGS first")
            return load(last.paths, remembered(last), self.settings, self.place, self.say)
        files = self.report.files
        options = remembered(last) if last is not None and _same(last, files) else Options()
        return load(files, options, self.settings, self.place, self.say)


def rates(book: PriceBook, model: str, provider: str | None = None) -> Rates | None:
    """What a model costs by this price book on its own day; None: it does not say, or not of this provider.

    A provider that sells others' models may call one by its maker and name.
    """
    own = book.find(model)
    spelt = [model, *([f"{own.provider}/{own.name}", own.name] if own is not None else [])]
    found = own if provider is None else next((sold for name in spelt if (sold := book.find(name, provider))), None)
    rate = None if found is None or provider not in (None, found.provider) else found.rates_at(book.day)
    if found is None or rate is None or rate.input is None or rate.output is None:
        return None
    return Rates(
        name=found.name,
        as_of=book.as_of,
        input=rate.input,
        output=rate.output,
        cache_read=rate.cache_read,
        cache_write=rate.cache_write,
        max_input_tokens=found.max_input_tokens,
    )


def _same(last: LastLogs, files: Sequence[str]) -> bool:
    """Whether the logs last audited are those of the run: then it is known how they were read."""
    try:
        return _absolute(expand(last.paths)) == _absolute(files)
    except InputError:  # gone since
        return False


def _absolute(files: Sequence[str]) -> list[str]:
    return sorted(file if "://" in file else str(Path(file).absolute()) for file in files)
