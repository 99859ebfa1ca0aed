"""Exports: what other tools read, with only what passed switched and no key in it."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import checks, results, sources
from support.sources import Given

from llmcost.recommend.result import ReplayReport
from llmcost.report import exporters, to_json
from llmcost.report.exports import Charge, Rates, SamplePrompt
from llmcost.serving import Caching, Plan, TaskPlan, Tier

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "x\n- a: &b !!python/object \x1b[2J\u202e '\"{}#%@`\\ ]\r= file://{{env.LLMCOST_API_KEY}}"
SECRET_URL = "https://me:secret@api.example.com/v1?key=secret"
EXPECTED = {
    "support chat": "Qwen/Qwen3-8B",
    "classify": "Qwen/Qwen3-8B",
    "code": "gpt-4o",
    "summarize": "deepseek-v4-flash",
    "translate": "gpt-4o",
    "extract": "gpt-4o-mini",
    "chat · “You are a helpful legal assistant” · 9f3ac1d2": "openai/o3-mini-2025-01-31",
}
replace = msgspec.structs.replace


def exported(to: str, report: ReplayReport, **given: Any) -> str:
    return exporters()[to](Given(report, **given))


def hostile() -> Given:
    """A run whose every name comes from somebody who means ill, prompts included."""
    report = results.poisoned(sources.beyond(), lambda text: HOSTILE + text)
    said = [{"role": "user", "content": HOSTILE}]
    sample = [
        SamplePrompt(report.tasks[0].task, HOSTILE, said, [], "exact", HOSTILE, HOSTILE),
        SamplePrompt(report.tasks[1].task, "file://x.js", said, [], "judge", None, "file://x.js"),
    ]
    bill = [Charge("2026-10-01", "=HYPERLINK(1)", "@x", "=1+1", "+x", "input", 5, 1e-7, 1, 1e-7)]
    return Given(report, SECRET_URL, sample, bill)


SOURCES: dict[str, Callable[[], Given]] = {
    "stays": lambda: Given(sources.stays()),
    "switched": lambda: Given(sources.switched(), "https://api.example.com/v1"),
    "beyond": lambda: Given(sources.beyond()),
    "hostile": hostile,
}
SUFFIX = {"python": "py.txt", "litellm": "yaml", "tensorzero": "toml", "promptfoo": "yaml", "focus": "csv"}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("to", exporters())
def test_golden(to: str, source: str) -> None:
    """Compares byte by byte; LLMCOST_UPDATE_GOLDEN=1 writes the file instead, to be read before it is committed."""
    made = exporters()[to](SOURCES[source]())
    file = GOLDEN / f"export-{to}-{source}.{SUFFIX.get(to, 'json')}"
    if os.environ.get("LLMCOST_UPDATE_GOLDEN"):
        file.write_bytes(made.encode())
    assert file.read_bytes().decode() == made


# ---- what each consumer reads as its map of tasks to models


def of_litellm(text: str) -> dict[str, str]:
    models = {m["model_name"]: m["litellm_params"] for m in yaml.safe_load(text)["model_list"]}
    return {name: with_effort(p["model"].removeprefix("openai/"), p) for name, p in models.items()}


def of_portkey(text: str) -> dict[str, str]:
    config = json.loads(text)
    targets = {target["name"]: target for target in config["targets"]}
    rules = {rule["query"]["metadata.task"]["$eq"]: targets[rule["then"]] for rule in config["strategy"]["conditions"]}
    first = {task: target.get("targets", [target])[0]["override_params"] for task, target in rules.items()}
    return {task: with_effort(params["model"], params) for task, params in first.items()}


def of_tensorzero(text: str) -> dict[str, str]:
    config = tomllib.loads(text)
    found = {}
    for task, function in config["functions"].items():
        first = function.get("experimentation", {"candidate_variants": ["today"]})["candidate_variants"][0]
        variant = function["variants"][first]
        [provider] = config["models"][variant["model"]]["providers"].values()
        found[task] = with_effort(provider["model_name"], variant)
    return found


def of_openrouter(text: str) -> dict[str, str]:
    return {task: with_effort(f["model"], {"reasoning_effort": f.get("reasoning", {}).get("effort")})
            for task, f in json.loads(text).items()}  # fmt: skip


def with_effort(model: str, params: dict[str, Any]) -> str:
    effort = params.get("reasoning_effort")
    return f"{model}@{effort}" if effort else model


READ: dict[str, Callable[[str], dict[str, str]]] = {
    "json": lambda text: json.loads(text)["model_map"],
    "python": ast.literal_eval,
    "litellm": of_litellm,
    "openrouter": of_openrouter,
    "portkey": of_portkey,
    "tensorzero": of_tensorzero,
}


@pytest.mark.parametrize("to", READ)
def test_every_gateway_reads_the_same_map(to: str) -> None:
    read = READ[to](exported(to, results.replay(), listed={}))
    assert {task: read[task] for task in EXPECTED} == EXPECTED


def renamed(names: list[str], models: list[str]) -> ReplayReport:
    """The switched run with other names of its tasks and models."""
    report = sources.switched()
    tasks = [
        replace(
            task,
            task=name,
            incumbent=replace(task.incumbent, model=models[0]),
            choice=replace(task.choice, model=models[1] if task.choice.verdict == "SWITCH" else models[0]),
        )
        for task, name in zip(report.tasks, names, strict=True)
    ]
    return replace(report, tasks=tasks)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ODD = [
    "os.environ/HOME",
    "tensorzero::x",
    "as asked",
    "- ",
    "# x",
    "a\nb: c",
    '"',
    "'''",
    "]\n[x]",
    "\x85",
    "null",
    "1",
]


@pytest.mark.parametrize("to", READ)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.lists(NAMES | st.sampled_from(ODD), min_size=3, max_size=3, unique=True),
       models=st.lists(NAMES, min_size=2, max_size=2, unique=True))  # fmt: skip
@example(names=["a\nb: c", "as asked", "as asked-"], models=["x\n[y]", "m@low"])
@example(names=["\u2028", "\ufeff", "\U000e0001"], models=["\x7f", "\U0001f600"])
@example(names=["a", "a-incumbent", "A"], models=["é", "b"])
def test_whatever_names_are_written_they_are_read_back(to: str, names: list[str], models: list[str]) -> None:
    report = renamed(names, models)
    wanted = {task.task: task.choice.model for task in report.tasks}
    reserved = {"litellm": "os.environ/", "tensorzero": "tensorzero::"}.get(to)
    if reserved:  # names that the tool would take for something else
        wanted = {f"task {task}" if task.startswith(reserved) else task: model for task, model in wanted.items()}
    text = exported(to, report, listed={})
    read = READ[to](text)
    assert {task: read.get(task) for task in wanted} == wanted
    assert not set("\x1b\x7f\x85\u2028\u202e\ufeff") & set(text)


@settings(max_examples=60, deadline=None)
@given(text=NAMES, task=NAMES)
@example(text='{{ env.X }} {% raw %} {# "\\" #}', task="file://x")
@example(text="file:///etc/passwd", task="package:x:y")
@example(text='\\"{\\\\"', task="{{7*7}}")
def test_no_text_of_a_log_is_more_than_text_to_promptfoo(text: str, task: str) -> None:
    report = replace(sources.switched(), tasks=[replace(sources.switched().tasks[0], task=task)])
    said = [{"role": "user", "content": text, "$ref": "file://x"}]
    sample = [
        SamplePrompt(task, text, said, [], "exact", text, None),
        SamplePrompt(task, text, said, [], "judge", None, text),
    ]
    written = exported("promptfoo", report, sample=sample, base_url="https://api.example.com/v1")
    config = yaml.safe_load(written)
    first, second = config["tests"]
    assert json.loads(first["vars"]["messages"]) == json.loads(second["vars"]["messages"]) == said
    assert json.loads(first["vars"]["expected"]) == json.loads(second["vars"]["reference"]) == text
    assert json.loads(f'"{first["metadata"]["task"]}"') == task
    for value in texts(config["tests"]):
        assert re.search(r"\{\{(?! (expected|reference) \| load \}\})|\{%|\{#", value) is None
        assert not value.startswith(("file:", "package:"))
    assert "$ref" not in set(keys(config))


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else [str(value)]


def keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in keys(item))]
    return [key for item in value for key in keys(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("to", exporters())
def test_nothing_holds_a_key_or_the_credentials_of_a_url(to: str) -> None:
    for source in (Given(sources.beyond(), SECRET_URL), hostile()):
        made = exporters()[to](source)
        assert "secret" not in made
        assert "me:" not in made.replace("name:", "")
        assert not {"\x1b", "\u202e", "\x00"} & set(made)


@pytest.mark.parametrize("verdict", ["KEEP", "INCONCLUSIVE", "CANNOT_JUDGE"])
@pytest.mark.parametrize("to", READ)
def test_what_did_not_pass_is_not_switched(to: str, verdict: str) -> None:
    report = results.replay()
    tasks = [replace(task, choice=replace(task.choice, model="sneaky", verdict=verdict)) for task in report.tasks]
    assert "sneaky" not in exported(to, replace(report, tasks=tasks))


# ---- json, python, plan


def test_json_holds_the_map_and_the_bill() -> None:
    found = json.loads(exported("json", results.replay(), base_url=SECRET_URL))
    assert found["model_map"] == EXPECTED
    assert found["bill"]["before"]["monthly_usd"] == 3412.88
    assert found["base_url"] == "https://api.example.com/v1"


def test_a_plan_is_exported_as_it_was_certified_and_runs_what_the_runtime_reads() -> None:
    report = results.beyond_models()
    plan = msgspec.json.decode(exported("plan", report, base_url=SECRET_URL), type=Plan)
    assert plan.tasks == [task.choice.plan for task in report.tasks if task.choice.plan is not None]
    assert [task.task for task in plan.tasks] == ["code", "summarize", "translate"]


# ---- litellm


def test_litellm_falls_back_to_todays_model() -> None:
    config = yaml.safe_load(exported("litellm", results.replay(), base_url="https://api.example.com/v1"))
    models = {model["model_name"]: model["litellm_params"] for model in config["model_list"]}
    assert {params["api_base"] for params in models.values()} == {"https://api.example.com/v1"}
    assert {params["api_key"] for params in models.values()} == {"os.environ/LLMCOST_API_KEY"}
    fallbacks = {task: names for item in config["router_settings"]["fallbacks"] for task, names in item.items()}
    assert {task: models[names[0]]["model"] for task, names in fallbacks.items()} == {
        "support chat": "openai/gpt-4o",
        "classify": "openai/gpt-4o-mini",
        "summarize": "openai/gpt-4o",
    }


def test_litellm_sends_what_is_too_long_for_the_new_model_to_todays() -> None:
    config = yaml.safe_load(exported("litellm", results.replay()))
    shorter = [task for item in config["router_settings"]["context_window_fallbacks"] for task in item]
    assert shorter == ["support chat", "classify"]  # 40,960 tokens after 128,000; a million is no reason


def test_litellm_knows_the_prices_of_the_list_and_invents_none() -> None:
    config = yaml.safe_load(exported("litellm", results.replay()))
    models = {model["model_name"]: model["litellm_params"] for model in config["model_list"]}
    assert models["summarize"]["input_cost_per_token"] == 3e-7
    assert models["summarize"]["cache_creation_input_token_cost"] == 3.75e-7
    assert "cache_read_input_token_cost" not in models["classify"]
    [legal] = (name for name in models if name.startswith("chat ·"))
    assert not [key for key in models[legal] if "cost" in key]


@pytest.mark.parametrize(
    ("ttl", "steps", "cached"), [("1h", True, 3600), ("1h, some tasks otherwise", True, None), ("1h", False, None)]
)
def test_litellm_caches_only_where_the_bill_says_that_it_pays(ttl: str, steps: bool, cached: int | None) -> None:
    report = results.replay()
    bill = replace(report.bill, cache_ttl=ttl, steps=report.bill.steps if steps else report.bill.steps[1:])
    made = yaml.safe_load(exported("litellm", replace(report, bill=bill)))["litellm_settings"]
    assert made.get("cache_params", {}).get("ttl") == cached
    assert made.get("cache", False) == (cached is not None)


def test_litellm_passes_the_effort_on() -> None:
    report = results.replay()
    task = replace(report.tasks[0], choice=replace(report.tasks[0].choice, model="gpt-5-mini@low"))
    params = yaml.safe_load(exported("litellm", replace(report, tasks=[task])))["model_list"][0]["litellm_params"]
    assert (params["model"], params["reasoning_effort"]) == ("openai/gpt-5-mini", "low")


@pytest.mark.parametrize("to", ["litellm", "tensorzero"])
def test_what_a_gateway_cannot_do_is_said(to: str) -> None:
    notes = [line for line in exported(to, sources.beyond()).splitlines() if line.startswith("# ")]
    assert [note for note in notes if note.startswith("# code: a cascade (Qwen/Qwen3-8B → gpt-4o): run by llmcost.run")]
    assert [note for note in notes if note.startswith("# summarize: long texts shortened to 60 %: run by llmcost.")]
    assert [note for note in notes if "nearly the same prompts" in note]


# ---- portkey, tensorzero, openrouter: the consumer's own rules, as its published schema states them


def test_portkey_config_is_one_by_its_schema() -> None:
    report = sources.switched()
    caching = TaskPlan("classify", [Tier("Qwen/Qwen3-8B")], caching=Caching(1800))
    tasks = [replace(t, choice=replace(t.choice, plan=caching)) if t.task == "classify" else t for t in report.tasks]
    config = json.loads(exported("portkey", replace(report, tasks=tasks), base_url=SECRET_URL))
    assert config["strategy"]["mode"] == "conditional"
    names = [target["name"] for target in config["targets"]]
    rules = [rule["then"] for rule in config["strategy"]["conditions"]]
    assert [*rules, config["strategy"]["default"]] == names
    assert [checked(target) for target in config["targets"]] == ["fallback", "fallback", None, None]
    assert [target.get("cache") for target in config["targets"]] == [
        None,
        {"mode": "simple", "max_age": 1800},
        None,
        None,
    ]
    assert config["targets"][1]["targets"][1]["override_params"] == {"model": "gpt-4o-mini"}
    assert config["targets"][-1].get("override_params") is None  # what names no task stays as it is


def checked(target: dict[str, Any]) -> str | None:
    """A target's mode; every leaf has a provider, and a retry in the place of a key, as the schema demands."""
    if "targets" in target:
        assert [checked(leaf) for leaf in target["targets"]] == [None, None]
        return str(target["strategy"]["mode"])
    assert (target["provider"], target["custom_host"]) == ("openai", "https://api.example.com/v1")
    assert target["retry"]["attempts"] > 0
    assert "api_key" not in target
    return None


def test_tensorzero_charges_cached_tokens_less() -> None:
    config = tomllib.loads(exported("tensorzero", sources.switched(), base_url="https://api.example.com/v1"))
    provider = config["models"]["gpt-4o"]["providers"]["endpoint"]
    assert provider["api_key_location"] == "env::LLMCOST_API_KEY"
    assert {each["pointer"]: each["cost_per_million"] for each in provider["cost"]} == {
        "/usage/prompt_tokens": 2.5,
        "/usage/completion_tokens": 10.0,
        "/usage/prompt_tokens_details/cached_tokens": -1.25,
    }
    assert config["functions"]["support chat"]["experimentation"]["fallback_variants"] == ["today"]


def test_openrouter_names_its_models_and_bounds_what_they_cost() -> None:
    made = json.loads(exported("openrouter", sources.switched()))
    assert made["support chat"] == {
        "model": "qwen/qwen3-8b",
        "models": ["openai/gpt-4o"],
        "provider": {
            "sort": "price",
            "require_parameters": True,
            "allow_fallbacks": True,
            "data_collection": "deny",
            "max_price": {"prompt": 2.5, "completion": 10.0},
        },
    }
    assert "models" not in made["code"]
    unpriced = json.loads(exported("openrouter", sources.switched(), listed={}))
    assert unpriced["support chat"]["model"] == "Qwen/Qwen3-8B"
    assert "max_price" not in unpriced["support chat"]["provider"]


# ---- promptfoo


def test_promptfoo_asks_each_prompt_of_the_models_of_its_task() -> None:
    config = yaml.safe_load(exported("promptfoo", sources.switched()))
    assert [test["providers"] for test in config["tests"]] == [
        ["gpt-4o-mini", "Qwen/Qwen3-8B"],
        ["gpt-4o-mini", "Qwen/Qwen3-8B"],
        ["gpt-4o", "Qwen/Qwen3-8B", "deepseek-v4-flash"],
    ]
    kinds = [[check.get("metric") or check["type"] for check in test["assert"]] for test in config["tests"]]
    assert kinds == [
        ["equals", "cost", "latency"],
        ["javascript", "cost", "latency"],
        ["llm-rubric", "cost", "latency"],
    ]
    assert {provider["config"]["apiKeyEnvar"] for provider in config["providers"]} == {"LLMCOST_API_KEY"}
    assert config["defaultTest"]["options"]["provider"]["id"] == "openai:chat:gemini-2.5-flash"
    assert config["sharing"] is False


def test_promptfoo_limits_no_cost_where_a_price_is_unknown() -> None:
    listed: dict[str, Rates] = {name: rate for name, rate in sources.RATES.items() if name != "deepseek-v4-flash"}
    config = yaml.safe_load(exported("promptfoo", sources.switched(), listed=listed))
    limited = [any(check.get("metric") == "cost" for check in test["assert"]) for test in config["tests"]]
    assert limited == [True, True, False]


def test_promptfoo_leaves_out_a_model_whose_name_is_a_template() -> None:
    report = sources.switched()
    task = replace(report.tasks[0], incumbent=replace(report.tasks[0].incumbent, model="{{env.KEY}}"))
    made = exported("promptfoo", replace(report, tasks=[task]))
    assert "{{env.KEY}}" not in "".join(texts(yaml.safe_load(made)))
    assert "# left out, no name of a model: {{env.KEY}}" in made


# ---- focus


def test_focus_is_empty_where_nothing_is_known_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(exporters()["focus"](Given(sources.switched())))))
    assert [row["BilledCost"] for row in rows] == ["0.0005085", "0.000045", "0.0000384", "", "", "0.25"]
    assert [row["ConsumedQuantity"] for row in rows] == ["3390", "75", "1024", "900", "", ""]
    assert [row["ChargePeriodStart"] for row in rows[-2:]] == ["2026-12-31T00:00:00Z", ""]
    assert rows[3]["BillingPeriodEnd"] == "2027-01-01T00:00:00Z"
    assert json.loads(rows[2]["Tags"]) == {"task": "classify", "token_kind": "cache_read", "service_tier": "batch"}
    [evil] = csv.DictReader(io.StringIO(exporters()["focus"](hostile())))
    assert not [value for value in evil.values() if value.lstrip()[:1] in set("=+-@")]
    assert (evil["BilledCost"], evil["ServiceName"]) == ("0.0000001", "'=1+1")


def test_focus_asks_for_the_bill_alone() -> None:
    class Billed:
        base_url = None

        @property
        def report(self) -> ReplayReport:
            raise AssertionError("no run is needed to export a bill")

        def charges(self) -> list[Charge]:
            return []

    assert exporters()["focus"](Billed()).count("\n") == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "result", [results.audit(), results.replay(), results.beyond_models(), results.estimate(), checks.CHECKS["total"]()]
)
def test_json_gives_the_result_back(result: msgspec.Struct) -> None:
    text = to_json(result)
    assert text.endswith("}\n")
    assert msgspec.json.decode(text, type=type(result)) == result
    poisoned = results.poisoned(result, lambda text: HOSTILE + "\x9b\u2028" + text)
    assert not {"\x1b", "\u202e", "\x9b", "\u2028"} & set(to_json(poisoned))
    assert msgspec.json.decode(to_json(poisoned), type=type(result)) == poisoned
