"""Results as notebooks and the command line show them: rendered in any format, tables as pandas DataFrames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from llmcost.audit.pages import Explanation, Explanations
from llmcost.audit.result import AuditResult
from llmcost.config import AuditSettings
from llmcost.errors import ConfigError
from llmcost.gate.result import CheckResult
from llmcost.labelling.result import LabelExport, LabelImport
from llmcost.monitor.result import MonitorReport
from llmcost.pricing import PriceView
from llmcost.recommend.result import ReplayEstimate, ReplayReport
from llmcost.recommend.simulated import SimulateResult
from llmcost.redaction.result import RedactReport
from llmcost.report import Document, html_fragment, renderers, to_json
from llmcost.report.screens import (
    audit_document,
    check_document,
    estimate_document,
    explain_document,
    kinds_document,
    label_export_document,
    label_import_document,
    monitor_document,
    prices_document,
    purge_document,
    redact_document,
    replay_document,
    simulate_document,
)
from llmcost.workspace import PurgeReport

if TYPE_CHECKING:
    import pandas as pd

JSON = "json"
COMPACT_WIDTH = 60


R = TypeVar("R", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, repr=False)
class View(ABC, Generic[R]):
    """A result that renders itself: `render(format)`, in Jupyter by itself."""

    result: R

    @abstractmethod
    def document(self) -> Document:
        """The result as blocks of text and tables."""

    def render(self, format: str = "table", *, width: int = 80, color: bool = False) -> str:
        """The result as text in one of the formats: table, markdown, html, csv, json.

        Raises ConfigError for a format that nobody renders.
        """
        if format == JSON:
            return to_json(self.to_dict())
        known = renderers()
        if format not in known:
            raise ConfigError(f"no format {format!r}", f"choose one of {', '.join(sorted({*known, JSON}))}")
        return known[format](self.document(), width=width, color=color)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain Python data, with the keys of its JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self.result)
        return plain

    def _repr_html_(self) -> str:
        return html_fragment(self.document())

    def __str__(self) -> str:
        return self.render()


@dataclass(frozen=True, slots=True, repr=False)
class AuditView(View[AuditResult]):
    """Where the money goes, what is wasted, what could be saved.

    top      rows of a table on the terminal; the rest is one row "(other)"
    compact  few columns, for narrow terminals
    """

    top: int = AuditSettings().top
    compact: bool = False

    def document(self) -> Document:
        """The audit as blocks of text and tables."""
        return audit_document(self.result, top=self.top, compact=self.compact)

    def render(self, format: str = "table", *, width: int = 80, color: bool = False) -> str:
        """The audit as text in one of the formats: table, markdown, html, csv, json; compact in 60 columns at most."""
        wide = min(width, COMPACT_WIDTH) if self.compact else width
        return View.render(self, format, width=wide, color=color)

    @property
    def by_task(self) -> pd.DataFrame:
        """Spend by task, dearest first."""
        return _frame(self.result.by_task)

    @property
    def by_model(self) -> pd.DataFrame:
        """Spend by model, dearest first."""
        return _frame(self.result.by_model)

    @property
    def by_day(self) -> pd.DataFrame:
        """Spend by day (UTC)."""
        return _frame(self.result.by_day)

    @property
    def by_tag(self) -> dict[str, pd.DataFrame]:
        """Spend by each tag or dimension that was asked for (`audit(by=…)`)."""
        return {field: _frame(rows) for field, rows in self.result.by_tag.items()}

    @property
    def call_sites(self) -> pd.DataFrame:
        """What every place of the code that makes calls does and costs, dearest first."""
        return _frame(self.result.call_sites)

    @property
    def findings(self) -> pd.DataFrame:
        """What is wasted, what it costs and what to do, dearest first."""
        return _frame(self.result.findings)


class SimulateView(View[SimulateResult]):
    """One bill before and after savings that need no model's answer."""

    def document(self) -> Document:
        """The simulation as blocks of text and tables."""
        return simulate_document(self.result)

    @property
    def steps(self) -> pd.DataFrame:
        """One row a step: the bill before and after it, on what the previous steps left."""
        return _frame(self.result.steps)

    @property
    def shares(self) -> pd.DataFrame:
        """One row a step: what it is worth whatever the order, and alone. The latter is never to be added up."""
        return _frame(self.result.shares)

    @property
    def sweep(self) -> pd.DataFrame:
        """One row a time to live and task, and one for the whole log (no task)."""
        return _frame(self.result.sweep)

    @property
    def best_ttl(self) -> pd.DataFrame:
        """One row a task: the shortest time to live that saves nearly all of what the longest does."""
        return _frame(self.result.best_ttl)

    @property
    def near(self) -> pd.DataFrame:
        """One row a threshold and task, and one for the whole log (no task): a potential that is in no total."""
        return _frame(self.result.near)


class EstimateView(View[ReplayEstimate]):
    """What a replay would send, where, and what it would cost."""

    def document(self) -> Document:
        """The estimate as blocks of text and tables."""
        return estimate_document(self.result)

    @property
    def by_model(self) -> pd.DataFrame:
        """Calls and dollars by model."""
        return _frame(self.result.by_model)


class MonitorEstimateView(EstimateView):
    """What a look at promises would send, where, and what it would cost."""

    def document(self) -> Document:
        """The estimate as blocks of text and tables."""
        return estimate_document(self.result, "llmcost monitor")


class MonitorView(View[MonitorReport]):
    """Whether the promises of a run hold on newer traffic."""

    def document(self) -> Document:
        """The look as blocks of text and tables."""
        return monitor_document(self.result)

    @property
    def tasks(self) -> pd.DataFrame:
        """One row a promise: its standing and every figure behind it."""
        return _frame(self.result.tasks)


class ReplayView(View[ReplayReport]):
    """Which cheaper models hold quality, and what the bill becomes."""

    def document(self) -> Document:
        """The report as blocks of text and tables."""
        return replay_document(self.result)

    @property
    def tasks(self) -> pd.DataFrame:
        """One row a task: the incumbent, the choice, the savings."""
        return _frame(self.result.tasks)

    @property
    def candidates(self) -> pd.DataFrame:
        """One row a task and candidate: the verdict and every figure behind it."""
        import pandas as pd

        rows = [{"task": t.task, **msgspec.to_builtins(c)} for t in self.result.tasks for c in t.candidates]
        return pd.DataFrame(rows)

    @property
    def model_map(self) -> dict[str, str]:
        """The recommended model of every task."""
        return dict(self.result.model_map)


class CheckView(View[CheckResult]):
    """Whether the cost per call rose by more than allowed, and where."""

    def document(self) -> Document:
        """The check as blocks of text and tables."""
        return check_document(self.result)

    @property
    def tasks(self) -> pd.DataFrame:
        """Every task then and now."""
        return _frame(self.result.tasks)


class PricesView(View[PriceView]):
    """What a model costs, since when, and who says so."""

    def document(self) -> Document:
        """The prices as blocks of text and tables."""
        return prices_document(self.result)


class ExplainView(View[Explanation]):
    """What a finding means, how it is counted, when it is wrong, what to do."""

    def document(self) -> Document:
        """The page as blocks of text and tables."""
        return explain_document(self.result)


class KindsView(View[Explanations]):
    """Every kind of finding there is."""

    def document(self) -> Document:
        """The kinds as blocks of text and tables."""
        return kinds_document(self.result)


class LabelExportView(View[LabelExport]):
    """A packet of pairs for people to compare: where it is, and how many of which candidates."""

    def document(self) -> Document:
        """The packet as blocks of text and tables."""
        return label_export_document(self.result)


class LabelImportView(View[LabelImport]):
    """People's verdicts: how many, of which candidates, and what could not be read."""

    def document(self) -> Document:
        """The verdicts as blocks of text and tables."""
        return label_import_document(self.result)

    @property
    def cells(self) -> pd.DataFrame:
        """One row a task and candidate: how many labels, and what they say."""
        return _frame(self.result.cells)


class PurgeView(View[PurgeReport]):
    """What is, or was, to be deleted of a workspace."""

    def document(self) -> Document:
        """It as blocks of text and tables."""
        return purge_document(self.result)


class RedactView(View[RedactReport]):
    """Logs that were copied with placeholders."""

    def document(self) -> Document:
        """What was replaced, and where the copies are, as blocks of text and tables."""
        return redact_document(self.result)


def _frame(rows: Sequence[msgspec.Struct]) -> pd.DataFrame:
    import pandas as pd

    return pd.json_normalize([msgspec.to_builtins(row) for row in rows])
