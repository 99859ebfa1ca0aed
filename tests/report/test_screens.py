"""Every screen in every format, against files that were read by a human, and on narrow and crowded screens."""

from __future__ import annotations

import csv
import io
import os
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len
from support import checks, results

from llmcost.recommend.result import Controls, ReplayReport
from llmcost.report import (
    Document,
    audit_document,
    check_document,
    estimate_document,
    explain_document,
    html_fragment,
    prices_document,
    renderers,
    replay_document,
    simulate_document,
)

GOLDEN = Path(__file__).parent / "golden"
SUFFIX = {"table": "txt", "markdown": "md", "html": "html", "csv": "csv"}
SCREENS = {
    "audit": lambda: audit_document(results.audit()),
    "replay": lambda: replay_document(results.replay()),
    "beyond": lambda: replay_document(results.beyond_models()),
    "full": lambda: replay_document(results.full()),
    "full-texts": lambda: replay_document(results.full(texts=True)),
    "estimate": lambda: estimate_document(results.estimate()),
    "simulate": lambda: simulate_document(results.simulation()),
    **{f"check-{name}": (lambda make=make: check_document(make())) for name, make in checks.CHECKS.items()},
    "prices": lambda: prices_document(results.prices()),
    "explain": lambda: explain_document(results.explanation()),
}


def golden(name: str, rendered: str) -> None:
    """Compares byte by byte; LLMCOST_UPDATE_GOLDEN=1 writes the file instead, to be read before it is committed."""
    file = GOLDEN / name
    if os.environ.get("LLMCOST_UPDATE_GOLDEN"):
        file.write_bytes(rendered.encode())
    assert file.read_bytes().decode() == rendered


def unstyled(page: str) -> str:
    """The page without its style sheet, which is a file of its own to read."""
    return re.sub(r"(?s)<style>.*?</style>", "<style></style>", page)


@pytest.mark.parametrize("screen", [screen for screen in SCREENS if not screen.startswith("full")])
@pytest.mark.parametrize("width", [80, 120])
def test_terminal(screen: str, width: int) -> None:
    golden(f"{screen}-{width}.txt", renderers()["table"](SCREENS[screen](), width=width))


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", [name for name in SUFFIX if name != "table"])
def test_other_formats(screen: str, name: str) -> None:
    golden(f"{screen}.{SUFFIX[name]}", unstyled(renderers()[name](SCREENS[screen]())))


def test_a_terminal_and_a_spreadsheet_hold_no_text_of_the_log() -> None:
    beyond, full, texts = (SCREENS[screen]() for screen in ("beyond", "full", "full-texts"))
    for width in (80, 120):
        assert len({renderers()["table"](each, width=width) for each in (beyond, full, texts)}) == 1
    assert renderers()["csv"](full) == renderers()["csv"](texts)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_nothing_is_wider_than_the_screen(screen: str, width: int) -> None:
    for line in renderers()["table"](SCREENS[screen](), width=width).splitlines():
        assert cell_len(line) <= width or line.lstrip().startswith(("Next: llmcost", "llmcost"))


@pytest.mark.parametrize("name", ["客服对话" * 20, "a" * 300, "x" * 40 + "/" + "y" * 40, "word " * 60])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("width", [80, 120])
def test_long_and_wide_names_do_not_break_the_tables(screen: str, name: str, width: int) -> None:
    document = poisoned_screen(screen, lambda text: text[:3] + name)
    for line in renderers()["table"](document, width=width).splitlines():
        assert cell_len(line) <= width or line.lstrip().startswith(("Next: llmcost", "llmcost"))


def test_fifty_tasks_stay_apart() -> None:
    report = results.replay()
    many = [msgspec.structs.replace(report.tasks[i % 7], task=f"team-{i:02d}/assistant") for i in range(50)]
    drawn = renderers()["table"](replay_document(msgspec.structs.replace(report, tasks=many)), width=120)
    for i in range(50):
        assert re.search(rf"^team-{i:02d}/assistant  ", drawn, re.M)


def crowd(tasks: int, candidates: int, texts: bool) -> ReplayReport:
    """So many tasks with so many candidates each, of which each has two examples of long texts."""
    report = results.full(texts=texts)
    example = msgspec.structs.replace(report.examples[0], **({"candidate": "so many words " * 500} if texts else {}))
    made, examples = [], []
    for at in range(tasks):
        like, name = report.tasks[at % len(report.tasks)], f"team-{at:02d}/assistant"
        models = [msgspec.structs.replace(like.candidates[0], model=f"model-{n}") for n in range(candidates)]
        made.append(msgspec.structs.replace(like, task=name, candidates=models))
        examples += [msgspec.structs.replace(example, task=name, model=each.model) for each in models for _ in "ab"]
    return msgspec.structs.replace(report, tasks=made, examples=examples)


@pytest.mark.parametrize("texts", [False, True])
def test_a_page_of_fifty_tasks_stays_a_page(texts: bool) -> None:
    page = renderers()["html"](replay_document(crowd(50, 4, texts)))
    assert page.count('<div class="target" id="task-') == 50
    assert len(page.encode()) < 1_000_000


@pytest.mark.parametrize("texts", [False, True])
def test_markdown_of_twenty_tasks_fits_into_a_comment_with_every_task_in_it(texts: bool) -> None:
    comment = renderers()["markdown"](replay_document(crowd(20, 2, texts)))
    assert len(comment) <= 65_536
    assert comment.count("<summary><b>team-") == 20
    assert ("is left out in part" in comment) == texts


def test_of_markdown_that_is_too_long_the_first_tasks_are_kept_and_all_of_the_answer() -> None:
    comment = renderers()["markdown"](replay_document(crowd(120, 4, False)))
    kept = re.findall(r"<summary><b>team-(\d+)/", comment)
    assert 50_000 < len(comment) <= 65_536
    assert kept == [f"{at:02d}" for at in range(len(kept))]
    assert len(kept) > 0
    assert len(re.findall(r"^\| team-", comment, re.M)) >= 120
    assert "is left out in part" in comment


def test_colour_only_repeats_words() -> None:
    document = SCREENS["replay"]()
    colored = renderers()["table"](document, width=100, color=True)
    assert "\x1b[32m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == renderers()["table"](document, width=100, color=False)


def test_colour_does_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = renderers()["table"](SCREENS["audit"](), width=90)
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "20", "TERM": "xterm-256color", "TTY_COMPATIBLE": "1"}.items():
        monkeypatch.setenv(name, value)
    assert renderers()["table"](SCREENS["audit"](), width=90) == plain


def test_the_page_asks_for_nothing() -> None:
    for screen in SCREENS.values():
        page = renderers()["html"](screen())
        assert "Content-Security-Policy" in page
        assert not re.search(r"(?i)<(script|link|img|iframe|object|embed|form)\b|<[^>]*\bsrc=|\bhref=(?!\"#)", page)
        assert not re.search(r"(?i)url\(|@import", page)
        assert page.count("<table>") == page.count("<thead><tr>")


@pytest.mark.parametrize("screen", SCREENS)
def test_every_table_of_the_page_scrolls_in_a_named_box_that_the_keyboard_reaches(screen: str) -> None:
    page = renderers()["html"](SCREENS[screen]())
    boxes = re.findall(
        r'<div class="scroll" role="region" aria-labelledby="(table-\d+)" tabindex="0"><table>\n<caption id="\1"', page
    )
    assert len(set(boxes)) == page.count("<table>")


@pytest.mark.parametrize("screen", SCREENS)
def test_headings_of_the_page_leave_out_no_level(screen: str) -> None:
    levels = [int(level) for level in re.findall(r"<h(\d)", renderers()["html"](SCREENS[screen]()))]
    assert levels[0] == 1
    assert 1 not in levels[1:]
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("screen", SCREENS)
def test_every_link_of_the_page_leads_somewhere_on_it(screen: str) -> None:
    page = renderers()["html"](SCREENS[screen]())
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'\bhref="#([^"]*)"', page)) <= set(ids)


def test_what_is_folded_on_the_page_is_open_on_paper() -> None:
    page = renderers()["html"](SCREENS["full"]())
    assert "<details><summary>" in page
    assert "@media print" in page.partition("details::details-content")[0]


def test_a_row_of_the_page_is_as_wide_as_its_table() -> None:
    for screen in SCREENS.values():
        for table in re.findall(r"(?s)<table>.*?</table>", renderers()["html"](screen())):
            widths = set()
            for row in re.findall(r"(?s)<tr.*?</tr>", table):
                spans = re.findall(r'<t[hd][ >](?:[^>]*?colspan="(\d+)")?', row.replace("colspan", " colspan"))
                widths.add(sum(int(span or 1) for span in spans))
            assert len(widths) == 1


def test_money_stands_to_the_right() -> None:
    page = renderers()["html"](SCREENS["audit"]())
    cells = re.findall(r"<td([^>]*)>\$[\d,.]+</td>", page)
    assert cells
    assert set(cells) == {' class="right"'}


def test_the_notebook_shows_a_fragment() -> None:
    fragment = html_fragment(SCREENS["audit"]())
    assert fragment.startswith('<div class="llmcost">')
    assert "<html" not in fragment


def test_csv_is_one_rectangle_with_bare_figures() -> None:
    rows = list(csv.reader(io.StringIO(renderers()["csv"](SCREENS["audit"]()), newline="")))
    assert len({len(row) for row in rows}) == 1
    header, *body = rows
    first = dict(zip(header, body[0], strict=True))
    assert (first["table"], first["name"], first["cost_usd"], first["input_tokens"]) == (
        "task", "summarize", "1239.0", "88000000",
    )  # fmt: skip
    unpriced = dict(zip(header, next(row for row in body if row[1] == "translate"), strict=True))
    assert unpriced["cost_usd"] == unpriced["share"] == ""


def test_what_was_logged_is_accounted_for() -> None:
    drawn = renderers()["table"](SCREENS["audit"]())
    assert "61,218 records = 60,871 answered + 333 failed + 14 rejected" in drawn
    assert "No price for 1.3 % of calls" in drawn
    assert "logs/october.jsonl:18: not JSON" in drawn


def test_potentials_say_what_they_are() -> None:
    drawn = renderers()["table"](SCREENS["audit"]())
    potential = next(line for line in drawn.splitlines() if "$2,995 a month" in line)
    assert "potential" in potential
    assert "do not quote" in potential


def test_a_short_log_speaks_of_itself_not_of_a_month() -> None:
    result = results.audit()
    short = msgspec.structs.replace(result, totals=msgspec.structs.replace(result.totals, monthly_usd=None))
    drawn = renderers()["table"](audit_document(short))
    assert "a month" not in drawn
    assert "per month" not in drawn
    assert "less than 7 days" in drawn
    report = results.replay()
    sides = (msgspec.structs.replace(side, monthly_usd=None) for side in (report.bill.before, report.bill.after))
    before, after = sides
    bill = msgspec.structs.replace(report.bill, before=before, after=after)
    drawn = renderers()["table"](replay_document(msgspec.structs.replace(report, bill=bill)))
    assert "Logged spend" in drawn
    assert "Monthly" not in drawn


def test_without_a_switch_the_answer_is_to_keep() -> None:
    report = results.replay()
    kept = [task for task in report.tasks if task.choice.verdict == "KEEP"]
    drawn = renderers()["table"](replay_document(msgspec.structs.replace(report, tasks=kept)))
    assert drawn.startswith("Keep what you use")
    assert "export --to litellm" not in drawn


def test_an_empty_log_still_has_a_screen() -> None:
    result = results.audit()
    zero = {
        field: 0 if isinstance(value, int) else None for field, value in msgspec.structs.asdict(result.totals).items()
    }
    empty = msgspec.structs.replace(
        result,
        totals=msgspec.convert(zero, type(result.totals)),
        by_task=[], by_model=[], by_day=[], by_tag={}, findings=[], unpriced_models=[],
        span=type(result.span)(None, None, None),
    )  # fmt: skip
    for render in renderers().values():
        assert render(audit_document(empty))


def test_a_check_in_which_nothing_changed_is_quiet() -> None:
    drawn = renderers()["table"](SCREENS["check-unchanged"]())
    assert drawn == "PASS  nothing changed: 3 tasks, cost per call 0.0 %, 5 % allowed\n"


def test_the_yardsticks_are_short_and_say_that_nothing_certified_them() -> None:
    drawn = renderers()["table"](replay_document(results.replay()), width=120)
    assert "deepseek-v4-flash everywhere, −71.0 % (does not pass on code, summarize +2)" in drawn
    assert (
        "Oracle per task: −81.0 %: the cheapest whose estimate is within the margin, in hindsight (not certified)"
        in (drawn)
    )


def test_all_wordy_models_share_one_line() -> None:
    drawn = renderers()["table"](replay_document(results.replay()), width=200)
    assert "in tokens: Qwen/Qwen3-8B up to 1.3×, deepseek-v4-flash up to 1.2× (already in the figures)" in drawn


def with_controls(report: ReplayReport, controls: Controls) -> str:
    tasks = [msgspec.structs.replace(task, controls=controls) for task in report.tasks]
    return renderers()["table"](replay_document(msgspec.structs.replace(report, tasks=tasks)), width=200)


def test_graders_are_named_uncalibrated_until_people_have_checked_them() -> None:
    note = "graders are not compared with people yet: judged tasks had to pass within 50 % of the margin"
    checked = results.controls()
    by_people = [msgspec.structs.replace(item, kappa_lower=0.7, kappa_from="human labels") for item in checked.graders]
    assert note in with_controls(results.replay(), checked)
    assert note not in with_controls(results.replay(), msgspec.structs.replace(checked, graders=by_people))
    assert note not in with_controls(results.replay(), results.AGAIN)


def test_a_noise_floor_that_is_not_known_is_said_not_to_be() -> None:
    report = results.replay()
    tasks = [
        msgspec.structs.replace(task, noise_floor=None, controls=Controls(aa_why="gpt-4o is not to be had"))
        for task in report.tasks[:2]
    ]
    drawn = renderers()["table"](
        replay_document(msgspec.structs.replace(report, tasks=[*tasks, *report.tasks[2:]])), width=200
    )
    assert "not compared with itself on support chat, classify (gpt-4o is not to be had)" in drawn


def test_a_bill_of_one_step_does_not_repeat_it() -> None:
    report = results.replay()
    bill = msgspec.structs.replace(report.bill, steps=report.bill.steps[1:2], stacked=None)
    drawn = renderers()["table"](replay_document(msgspec.structs.replace(report, bill=bill)))
    assert "How the bill falls" not in drawn


def test_the_estimate_says_what_is_sent_where_and_what_holds_it_back() -> None:
    estimate = results.estimate()
    drawn = renderers()["table"](estimate_document(estimate), width=200)
    assert drawn.startswith("At most $41.20, expected $14.77\n")
    assert (
        "to api.example.com (1,200 already answered: free): full prompts of your log (system, history, tools)" in drawn
    )
    caps = {
        None: "no cap given (--budget): the worst case is the cap",
        50.0: "cap $50.00 (--budget)\n",
        20.0: "cap $20.00 (--budget): below the worst case, so the run may stop early",
        10.0: "cap $10.00 (--budget): below the $14.77 that it takes if nothing is decided early",
    }
    for cap, said in caps.items():
        capped = msgspec.structs.replace(estimate, cap_usd=cap)
        assert said in renderers()["table"](estimate_document(capped), width=200)


def test_without_graders_nothing_is_said_of_them() -> None:
    estimate = results.estimate()
    alone = msgspec.structs.replace(estimate, by_model=estimate.by_model[:2])
    assert "grade" not in renderers()["table"](estimate_document(alone))


def test_prices_say_since_when_and_who_says_so() -> None:
    drawn = renderers()["table"](prices_document(results.prices()))
    assert "Since: 2026-09-10\nSource: litellm + genai-prices, prices of 2026-11-20\n" in drawn
    undated = msgspec.structs.replace(
        results.prices(), valid_from=None, batch_input=None, batch_output=None, cached_input=None
    )
    drawn = renderers()["table"](prices_document(undated))
    assert "Since: no date in the catalogues\n" in drawn
    assert "Batch API: not listed\n" in drawn
    assert "Cached input: costs as input\n" in drawn


HOSTILE = {
    "escape": "\x1b[2J\x1b]8;;http://evil.example\x07x\x9b31m",
    "bidi": "invoice\u202egpj.exe\u2066\u200f\u2028\u0085",
    "rich": "[bold red]x[/] [link=http://evil.example]y[/link] :smile:",
    "html": "</td></table><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'",
    "markdown": "a|b`c`**d**[e](http://evil.example)<!-- @org/team #12 ~~x~~ $1$ \\| www.evil.example",
    "newline": "first\nsecond\r\n| third |\n# fourth\n```\n~~~",
    "list": "- 1. + = > #",
    "formula": "=HYPERLINK(\"http://evil.example\",\"x\")",
    "formula-space": " \t@SUM(1+1)*cmd|' /C calc'!A0",
    "zalgo": "z" + "\u0301" * 50,
    "surrogates-and-nulls": "a\x00b\x7fc\ufeff\U000e0001",
}  # fmt: skip
FENCED = re.compile(r"(?ms)^(`{3,})(?:text|sh)\n.*?^\1$")
STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


RESULTS = {
    "audit": (audit_document, results.audit),
    "replay": (replay_document, results.replay),
    "beyond": (replay_document, results.beyond_models),
    "full": (replay_document, results.full),
    "full-texts": (replay_document, lambda: results.full(texts=True)),
    "estimate": (estimate_document, results.estimate),
    "simulate": (simulate_document, results.simulation),
    **{f"check-{name}": (check_document, make) for name, make in checks.CHECKS.items()},
    "prices": (prices_document, results.prices),
    "explain": (explain_document, results.explanation),
}


def poisoned_screen(screen: str, poison) -> Document:
    document, make = RESULTS[screen]
    return document(results.poisoned(make(), poison))


@cache
def hostile_screens(kind: str) -> dict[str, Document]:
    return {screen: poisoned_screen(screen, lambda text: HOSTILE[kind] + text) for screen in RESULTS}


@cache
def drawn_clean(screen: str, name: str) -> str:
    return renderers()[name](SCREENS[screen]())


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", renderers())
def test_log_text_steers_nothing(name: str, kind: str) -> None:
    for screen, document in hostile_screens(kind).items():
        rendered = renderers()[name](document, width=100)
        rendered.encode()
        kept = "\t" if screen == "full-texts" else ""  # a text that is shown as it is keeps its tabs
        assert not STEERING.search(rendered.replace("\r\n", "\n").translate({ord(each): None for each in kept})), name


@pytest.mark.parametrize("kind", HOSTILE)
def test_html_keeps_its_shape(kind: str) -> None:
    for screen, document in hostile_screens(kind).items():
        tags = re.findall(r"<[^>]*>", renderers()["html"](document).partition("<body>")[2])
        assert tags == re.findall(r"<[^>]*>", drawn_clean(screen, "html").partition("<body>")[2])


@pytest.mark.parametrize("kind", HOSTILE)
def test_markdown_keeps_its_shape(kind: str) -> None:
    for screen, document in hostile_screens(kind).items():
        shown = renderers()["markdown"](document), drawn_clean(screen, "markdown")
        rendered, clean = (FENCED.sub("(code)", text) for text in shown)
        assert len(rendered.splitlines()) == len(clean.splitlines())
        pipes = [len(re.findall(r"(?<!\\)\|", text)) for text in (rendered, clean)]
        assert pipes[0] == pipes[1]
        body = rendered.replace("<details><summary>", "").replace("</summary>", "").replace("</details>", "")
        assert not re.search(r"<(?!/?b>|br>|!-- -->)", body)
        assert not re.search(r"(?<!\w)@\w|\bhttps?:(?=\S)|\bwww\.\w|\\#\d", rendered)
        assert rendered.count("<details>") == rendered.count("</details>")


@pytest.mark.parametrize("kind", HOSTILE)
def test_csv_runs_nothing(kind: str) -> None:
    for screen, document in hostile_screens(kind).items():
        rows = list(csv.reader(io.StringIO(renderers()["csv"](document), newline="")))
        clean = list(csv.reader(io.StringIO(drawn_clean(screen, "csv"), newline="")))
        assert [len(row) for row in rows] == [len(row) for row in clean]
        for value in (value for row in rows for value in row if not re.fullmatch(r"-?[\d.e+-]+", value)):
            assert value.strip()[:1] not in tuple("=+-@")


def test_a_command_to_copy_runs_nothing_else() -> None:
    document = audit_document(results.audit(), candidates=["a; rm -rf ~", "$(id)"])
    assert "--models 'a; rm -rf ~,$(id)'" in renderers()["table"](document, width=200)
