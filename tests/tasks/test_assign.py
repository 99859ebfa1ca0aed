import pytest
from hypothesis import given
from support.call_tables import rows, table
from support.examples import costly

from llmcost import calls as calls_module
from llmcost.calls import Calls
from llmcost.config import TaskRule, TasksSettings
from llmcost.errors import ConfigError
from llmcost.tasks import assign, tag_keys, tag_values

LOG = [
    {"request_model": "gpt-4o", "call_site": "summarize tickets·3f9a21", "tags": {"metadata.task": "summarize"}},
    {"request_model": "gpt-4o-mini", "call_site": "classify intent·0aa1b2", "tags": {"metadata.feature": "router"}},
    {"request_model": "o3", "call_site": "plan trips·77ab00", "tags": {"request.metadata.team": "blue"}},
    {"request_model": None, "call_site": None, "tags": None},
]


def tasks(settings: TasksSettings | None = None, field: str | None = None) -> list[str | None]:
    return assign(table(LOG), settings or TasksSettings(), field).labels("task")


def test_tag_then_call_site_then_untagged():
    assert tasks() == ["summarize", "router", "plan trips·77ab00", "untagged"]


def test_the_field_asked_for_is_the_only_one_read():
    by_team = ["summarize tickets·3f9a21", "classify intent·0aa1b2", "blue", "untagged"]
    assert tasks(field="team") == tasks(field="metadata.team") == by_team
    assert tasks(TasksSettings(field="request.metadata.team")) == by_team
    assert tasks(TasksSettings(field="metadata.task"), field="team") == by_team


def test_rules_win_and_the_first_that_fits_counts():
    rules = (
        TaskRule(name="cheap", model="gpt-*-mini"),
        TaskRule(name="openai", model="gpt-*"),
        TaskRule(name="trips", call_site="plan*"),
    )
    assert tasks(TasksSettings(rules=rules)) == ["openai", "cheap", "trips", "untagged"]


def test_a_rule_needs_all_its_conditions():
    both = TaskRule(name="x", model="gpt-4o*", tags={"task": "summarize"})
    assert tasks(TasksSettings(rules=(both,)))[:2] == ["x", "router"]
    everything = TaskRule(name="all")
    assert tasks(TasksSettings(rules=(everything,))) == ["all"] * 4


def test_the_first_default_field_that_a_call_carries():
    log = [{"tags": {"metadata.feature": "b", "metadata.task": "a"}}, {"tags": {"feature": "c", "task": ""}}]
    assert assign(table(log), TasksSettings()).labels("task") == ["a", "c"]


def test_an_exact_key_before_a_longer_one():
    log = [{"tags": {"metadata.team": "long", "team": "exact"}}, {"tags": {"metadata.team": "long"}}]
    assert tag_values(table(log), "team").to_pylist() == ["exact", "long"]


def test_half_a_name_is_no_match():
    with pytest.raises(ConfigError):
        tag_values(table(LOG), "ask")


def test_a_field_that_no_call_has_names_those_there_are():
    with pytest.raises(ConfigError) as failure:
        tasks(field="metadata.tsak")
    assert "metadata.tsak" in failure.value.message
    assert failure.value.hint == "tags in this log: metadata.feature, metadata.task, request.metadata.team"


def test_a_field_asked_of_a_log_without_tags():
    with pytest.raises(ConfigError, match="no call carries"):
        assign(table([{"id": "1"}]), TasksSettings(field="task"))


def test_an_empty_log_has_nothing_to_miss():
    assert len(assign(calls_module.empty(), TasksSettings(), "team")) == 0
    assert tag_keys(calls_module.empty()) == {}


@costly
@given(rows())
def test_as_one_would_do_it_row_by_row(log):
    unnamed = {"embeddings": "embeddings", "chat": "untagged"}
    wanted = [(row["tags"] or {}).get("metadata.task") or unnamed[row["operation"]] for row in log]
    assert assign(table(log), TasksSettings()).labels("task") == wanted


@costly
@given(rows(), rows())
def test_keys_are_counted_once_a_call_in_chunks_and_slices_too(log, more):
    whole = calls_module.concat([table(log), table(more)])
    part = Calls(whole.table.slice(1))
    kept = [*log, *more][1:]
    wanted = {key: sum(key in (row["tags"] or {}) for row in kept) for key in ("metadata.task", "metadata.team")}
    assert tag_keys(part) == {key: count for key, count in wanted.items() if count}
