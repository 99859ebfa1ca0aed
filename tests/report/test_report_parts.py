"""The report that people act on: totals that are never mixed, texts to read, what is known and what is not."""

from __future__ import annotations

import re
from html import unescape

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from support import results

from llmcost.recommend.result import BillStep, Choice, Example, ReplayReport
from llmcost.report import Document, renderers, replay_document
from llmcost.report.document import Exhibit, Fold, Panel, Section, Table, flat, line
from llmcost.report.screens.bill import totals
from llmcost.report.screens.examples import ALL_TEXTS, LONGEST, SHORTEST, longest_text
from llmcost.report.screens.plots import spend_plot
from llmcost.report.untrusted import cut_lines


def page(report: ReplayReport) -> str:
    return renderers()["html"](replay_document(report))


def comment(report: ReplayReport) -> str:
    return renderers()["markdown"](replay_document(report))


def with_steps(*steps: BillStep) -> dict[str, tuple[str, str]]:
    """Total → its amount and what it is made of."""
    bill = msgspec.structs.replace(results.replay().bill, steps=list(steps))
    return {item.label: (item.amount, "".join(span.text for span in item.note)) for item in totals(bill).figures}


def test_each_total_is_made_of_the_steps_on_its_basis_alone() -> None:
    found = with_steps(
        BillStep("response_cache", 3476.1, 3261.0, None, "no_answer_change"),
        BillStep("model_map", 3261.0, 671.2, None, "measured"),
        BillStep("batch_api", 671.2, 604.9, None, "no_answer_change"),
        BillStep("compression", 604.9, 500.0, None, "potential"),
    )
    assert list(found) == ["No answer changes", "Measured", "Potential (untested; do not quote)"]
    assert found["No answer changes"][0] == "−$276 a month"  # 281.40 of the log, in a month
    assert found["No answer changes"][1].startswith("exact cache, Batch API: ")
    assert found["Measured"][0] == "−$2,543 a month"
    assert found["Potential (untested; do not quote)"][0] == "−$103 a month"


def test_a_total_with_a_step_of_unknown_cost_is_unknown_and_one_without_steps_is_none() -> None:
    found = with_steps(
        BillStep("model_map", 3261.0, None, None, "measured"), BillStep("cascade", 900.0, 800.0, None, "measured")
    )
    assert found["Measured"][0] == "not known"
    assert found["No answer changes"][0] == found["Potential (untested; do not quote)"][0] == "none"


def test_without_the_texts_a_page_says_where_they_are_and_how_to_see_them() -> None:
    for drawn in (page(results.full()), comment(results.full())):
        assert "logs/october.jsonl:118" in drawn
        assert "llmcost report --show-text" in drawn
        assert "warehouse" not in drawn
        assert "&lt;EMAIL" not in drawn


def test_with_the_texts_both_answers_stand_beside_each_other_as_they_are() -> None:
    drawn = page(results.full(texts=True))
    pair = re.search(r'<div class="pair">(.*?)</div>\n</div>', drawn, re.DOTALL)
    assert pair
    assert [unescape(text) for text in re.findall(r"<pre>\n(.*?)</pre>", pair[1], re.DOTALL)] == [
        "It left our warehouse on Tuesday.\nExpect it on Friday.",
        "I do not know about orders.",
    ]
    assert "\treturn x + 1" in drawn
    assert "characters left out" in drawn
    assert "--show-text" not in drawn


def test_no_text_runs_hides_or_ends_what_it_stands_in() -> None:
    drawn = page(results.full(texts=True))
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;\\u202egnp.exe\\x1b[2J" in drawn
    assert not re.search(r"(?i)<(script|img)", drawn)
    assert drawn.count("<pre>") == drawn.count("</pre>")
    told = comment(results.full(texts=True))
    assert "``````text\n``` </details> ````` @everyone\n``````" in told
    without = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", told)
    assert without.count("<details>") == without.count("</details>") > 0
    assert "@everyone" not in without


@given(st.text(), st.integers(3, 60))
def test_a_cut_text_keeps_both_ends_and_says_how_much_is_missing(text: str, longest: int) -> None:
    shown = cut_lines(text, longest)
    missing = len(text) - longest
    assert (f"[… {missing:,} characters left out …]" in shown) == (missing > 0)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)


@given(st.text(alphabet="`~a\n<>/", max_size=60))
def test_no_text_ends_its_own_fence(text: str) -> None:
    panel = Panel("p", text)
    drawn = renderers()["markdown"](Document("t", (Exhibit(line("x"), panel, (panel, panel)),)))
    blocks = re.findall(r"(?ms)^(`{3,})text\n(.*?)\n\1$", drawn)
    assert [held for _, held in blocks] == [panel.text] * 3
    assert not any(re.search(rf"(?m)^ *`{{{len(fence)},}}", held) for fence, held in blocks)


def test_the_more_texts_there_are_the_less_of_each_is_shown() -> None:
    one = Example("t", "m", "f:1", -1.0, "judge", (1, 1, 1), "p", "l", "c")
    assert longest_text([]) == longest_text([one]) == LONGEST
    assert longest_text([one] * 200) == ALL_TEXTS // 600
    assert longest_text([one] * 5000) == SHORTEST


def test_every_task_leads_to_its_fold_and_a_lone_one_is_open() -> None:
    report = results.full()
    folds = [block for section in replay_document(report).blocks if isinstance(section, Section)
             for block in section.blocks if isinstance(block, Fold) and block.key]  # fmt: skip
    assert [fold.title for fold in folds] == [task.task for task in report.tasks]
    links = re.findall(r'<a href="#(task-\d+)">(.*?)</a>', page(report))
    assert [(fold.key, fold.title) for fold in folds] == [(key, unescape(name)) for key, name in links]
    assert not any(fold.open for fold in folds)
    assert "<details open><summary><h3>" in page(msgspec.structs.replace(report, tasks=report.tasks[:1]))


def test_every_figure_that_is_shown_is_explained() -> None:
    tables = [block for block in flat(replay_document(results.full()).blocks) if isinstance(block, Table)]
    rows = [row for table in tables if table.name == "statistics" for row in table.rows]
    assert len(rows) > 100
    assert all(row.aside for row in rows)


def test_what_is_not_known_has_no_section() -> None:
    bare = page(results.replay())
    assert "Spend over time" not in bare
    assert "How long to keep answers" not in bare
    full = page(results.full())
    order = re.findall(r'<h2 id="(\w+)">', full)
    assert order == ["bill", "tasks", "steps", "frontiers", "days", "cache", "why", "data", "again"]


def test_the_page_says_how_to_get_it_again() -> None:
    report = results.full()
    drawn = page(report)
    for told in (report.command, f"seed {report.seed}", report.prices.sha256, report.llmcost_version, report.run):
        assert told in drawn
    assert "61,218 records, 14 records not understood; 61,204 calls, 333 of them failed" in drawn
    assert "60,179 of 61,204 calls (98.3 %); no price: our-finetune-7b (in no figure)" in drawn


def test_a_cascade_that_is_used_stands_at_its_own_thresholds() -> None:
    code = next(task for task in results.full().tasks if task.task == "code")
    drawn = page(msgspec.structs.replace(results.full(), tasks=[code]))
    assert "Qwen/Qwen3-8B → deepseek-v4-flash → gpt-4o, at its thresholds (use now)" in drawn
    kept = msgspec.structs.replace(code, choice=Choice("gpt-4o", "KEEP", None, None))
    assert "(use now)" not in page(msgspec.structs.replace(results.full(), tasks=[kept]))


def test_a_day_without_any_known_cost_is_a_gap_in_the_whole_as_well() -> None:
    days = [day for day in results.full().by_day if day.task == "translate"]
    block = spend_plot("t", days)
    assert [series.name for series in block.series] == ["translate"]
    assert [at for at, (_, cost) in enumerate(block.series[0].points, 1) if cost is None] == [13]
