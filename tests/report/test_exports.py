"""Exports: what other tools read, with only what passed switched and no key in it."""

from __future__ import annotations

import ast
import json

import msgspec
import pytest
import yaml
from support import checks, results

from llmcost.report import exporters, to_json
from llmcost.serving import Plan

HOSTILE = "x\n- a: &b !!python/object \x1b[2J\u202e '\"{}#%@`"
EXPECTED = {
    "support chat": "Qwen/Qwen3-8B",
    "classify": "Qwen/Qwen3-8B",
    "code": "gpt-4o",
    "summarize": "deepseek-v4-flash",
    "translate": "gpt-4o",
    "extract": "gpt-4o-mini",
    "chat · “You are a helpful legal assistant” · 9f3ac1d2": "openai/o3-mini-2025-01-31",
}


def test_json_holds_the_map_and_the_bill() -> None:
    exported = json.loads(exporters()["json"](results.replay(), "https://me:secret@api.example.com/v1?key=secret"))
    assert exported["model_map"] == EXPECTED
    assert exported["bill"]["before"]["monthly_usd"] == 3412.88
    assert exported["base_url"] == "https://api.example.com/v1"


def test_python_is_a_literal() -> None:
    assert ast.literal_eval(exporters()["python"](results.replay(), None)) == EXPECTED


def test_litellm_has_a_model_per_task_and_falls_back_to_todays() -> None:
    config = yaml.safe_load(exporters()["litellm"](results.replay(), "https://api.example.com/v1"))
    models = {model["model_name"]: model["litellm_params"] for model in config["model_list"]}
    assert {task: models[task]["model"] for task in EXPECTED} == {k: f"openai/{v}" for k, v in EXPECTED.items()}
    assert {params["api_base"] for params in models.values()} == {"https://api.example.com/v1"}
    assert {params["api_key"] for params in models.values()} == {"os.environ/LLMCOST_API_KEY"}
    fallbacks = {task: names for item in config["router_settings"]["fallbacks"] for task, names in item.items()}
    assert {task: models[names[0]]["model"] for task, names in fallbacks.items()} == {
        "support chat": "openai/gpt-4o",
        "classify": "openai/gpt-4o-mini",
        "summarize": "openai/gpt-4o",
    }


def test_litellm_without_a_url_reads_it_from_the_environment() -> None:
    config = yaml.safe_load(exporters()["litellm"](results.replay(), None))
    assert config["model_list"][0]["litellm_params"]["api_base"] == "os.environ/LLMCOST_BASE_URL"


def test_litellm_passes_the_effort_on() -> None:
    report = results.replay()
    choice = msgspec.structs.replace(report.tasks[0].choice, model="gpt-5-mini@low")
    task = msgspec.structs.replace(report.tasks[0], choice=choice)
    exported = exporters()["litellm"](msgspec.structs.replace(report, tasks=[task]), None)
    params = yaml.safe_load(exported)["model_list"][0]["litellm_params"]
    assert (params["model"], params["reasoning_effort"]) == ("openai/gpt-5-mini", "low")


def test_a_plan_is_exported_as_it_was_certified_and_runs_what_the_runtime_reads() -> None:
    report = results.beyond_models()
    plan = msgspec.json.decode(exporters()["plan"](report, "https://user:secret@api.example.com/v1"), type=Plan)
    assert plan.tasks == [task.choice.plan for task in report.tasks if task.choice.plan is not None]
    assert [task.task for task in plan.tasks] == ["code", "summarize", "translate"]


@pytest.mark.parametrize("verdict", ["KEEP", "INCONCLUSIVE", "CANNOT_JUDGE"])
def test_what_did_not_pass_is_not_switched(verdict: str) -> None:
    report = results.replay()
    tasks = [
        msgspec.structs.replace(task, choice=msgspec.structs.replace(task.choice, model="sneaky", verdict=verdict))
        for task in report.tasks
    ]
    for export in exporters().values():
        assert "sneaky" not in export(msgspec.structs.replace(report, tasks=tasks), None)


@pytest.mark.parametrize("name", exporters())
def test_hostile_names_come_through_as_names(name: str) -> None:
    report = results.poisoned(results.beyond_models(), lambda text: HOSTILE + text)
    exported = exporters()[name](report, None)
    assert not {"\x1b", "\u202e"} & set(exported)
    read = {
        "json": lambda text: json.loads(text)["model_map"],
        "python": ast.literal_eval,
        "litellm": lambda text: {m["model_name"]: m for m in yaml.safe_load(text)["model_list"]},
        "plan": lambda text: {task["task"]: task for task in json.loads(text)["tasks"]},
    }[name](exported)
    planned = {task.task for task in report.tasks if task.choice.plan is not None}
    assert planned if name == "plan" else {HOSTILE + task for task in EXPECTED} <= set(read)
    assert planned <= set(read)


@pytest.mark.parametrize(
    "result", [results.audit(), results.replay(), results.beyond_models(), results.estimate(), checks.CHECKS["total"]()]
)
def test_json_gives_the_result_back(result: msgspec.Struct) -> None:
    text = to_json(result)
    assert text.endswith("}\n")
    assert msgspec.json.decode(text, type=type(result)) == result
    hostile = results.poisoned(result, lambda text: HOSTILE + "\x9b\u2028" + text)
    assert not {"\x1b", "\u202e", "\x9b", "\u2028"} & set(to_json(hostile))
    assert msgspec.json.decode(to_json(hostile), type=type(result)) == hostile
