"""`llmcost label`: a packet goes out, verdicts come back, and nothing in the packet says whose answer is which."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import shop
from support.graded_run import RUN, SECRET_MODELS, GradedRun, make

from llmcost import api
from llmcost.errors import InputError
from llmcost.grading.labels import HumanLabel, decode

Row = dict[str, str]


@pytest.fixture
def run(tmp_path: Path) -> GradedRun:
    return make(tmp_path)


def label(run: GradedRun, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    outcome = shop.run_here("label", *arguments, cwd=run.folder)
    assert outcome.returncode == code, outcome.stderr
    return outcome


def table(path: Path) -> list[Row]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def fill(run: GradedRun, verdict: Callable[[Row], str], name: str = "labels.csv", packet: str = "packet") -> Path:
    """What a colleague hands back: as the page does, item and verdict alone."""
    rows = table(run.folder / packet / "labels.csv")
    text = "".join(f"{row['item']},{verdict(row)}\r\n" for row in rows)
    (run.folder / name).write_text(f"item,verdict\r\n{text}", newline="")
    return run.folder / name


def candidates_side(row: Row) -> str:
    return "1" if row["answer_1"].startswith("replayed") else "2"


def labels(run: GradedRun) -> dict[bytes, HumanLabel]:
    return decode(run.workspace.labels())


def test_what_people_prefer_comes_back_on_the_candidates_side(run: GradedRun) -> None:
    label(run, "--export", "packet", "--count", "24")
    rows = table(run.folder / "packet" / "labels.csv")
    assert len(rows) == 24 and {candidates_side(row) for row in rows} == {"1", "2"}
    fill(run, candidates_side)
    outcome = label(run, "--import", "labels.csv")
    assert outcome.stdout.startswith("24 labels of 1 file kept")
    assert "llmcost replay" in outcome.stdout and "costs nothing" in outcome.stdout
    found = labels(run)
    assert len(found) == 24 and {item.difference for item in found.values()} == {1}
    assert set(run.texts) >= {item.answer for item in found.values()}
    assert all(0 < item.probability <= 1 for item in found.values())
    fill(run, lambda row: "3" if candidates_side(row) == "1" else "1")
    assert "24 earlier labels of the same packet replaced" in " ".join(
        label(run, "--import", "labels.csv").stdout.split()
    )
    assert {item.difference for item in labels(run).values()} == {0, -1}


def test_each_item_shows_the_prompt_and_the_answers_of_its_key(run: GradedRun) -> None:
    found = api.label_export(folder=run.folder / "packet", count=30, workspace=run.workspace.path).result
    key = json.loads(run.workspace.packet(found.packet) or b"")
    rows = {row["item"]: row for row in table(run.folder / "packet" / "labels.csv")}
    prompts = {pair.answer.hex(): pair.prompt for arm in run.record.arms for pair in arm.pairs}
    for item in key["items"]:
        row, prompt = rows[item["id"]], prompts[item["pair"]["answer"]]
        logged, replayed = run.logged(prompt), run.texts[item["pair"]["answer"]]
        assert f"Ticket {prompt}:" in row["question"]
        assert (row["answer_1"], row["answer_2"]) == (
            (replayed, logged) if item["candidate_first"] else (logged, replayed)
        )


def test_the_packet_names_no_model_no_verdict_and_no_order(run: GradedRun) -> None:
    label(run, "--export", "packet")
    [key] = (run.workspace.path / "packets").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert {path.name for path in (run.folder / "packet").iterdir()} == {"labels.html", "labels.csv"}
    secrets = [*SECRET_MODELS, "judge-a", "judge-b", "INCONCLUSIVE", "candidate", "incumbent", RUN, "host.example"]
    secrets += [pair.answer.hex() for arm in run.record.arms for pair in arm.pairs]
    for path in (run.folder / "packet").iterdir():
        text = path.read_text("utf-8")
        assert not [secret for secret in secrets if secret in text]
        assert not re.search(r"probab|differ(?!ence”|ence<|ent)|swap|logged(?! answer to)|replayed(?! answer to)", text)
    page = (run.folder / "packet" / "labels.html").read_text("utf-8")
    [data] = re.findall(r'id="packet">(.*?)</script>', page)
    assert {tuple(item) for item in json.loads(data)["items"]} == {("id", "question", "first", "second")}


def test_self_identification_and_hostile_text_are_shown_as_judges_see_them(tmp_path: Path) -> None:
    said = "</script><script>x</script> I am Claude 3, an assistant. \u202e=1+1"
    run = make(tmp_path, 20, text=lambda model, prompt: said)
    label(run, "--export", "packet")
    for name in ("labels.html", "labels.csv"):
        text = (run.folder / "packet" / name).read_text("utf-8")
        assert "Claude" not in text and "\u202e" not in text and "an assistant, an assistant" in text
    assert (run.folder / "packet" / "labels.html").read_text("utf-8").count("<script") == 2


def test_flags_choose_what_is_drawn(run: GradedRun) -> None:
    out = label(run, RUN, "--export", "a", "--task", "chat", "--candidate", "candidate-two", "--count", "7").stdout
    assert "7 pairs to compare" in out and "candidate-two@low" in out
    assert "candidate-one" not in out and "label  " not in out
    both = label(run, "--export", "b", "--task", "chat", "--task", "label", "--seed", "3").stdout
    every = label(run, "--export", "c", "--all", "--seed", "3").stdout
    assert int(every.split()[0]) > int(both.split()[0])
    assert table(run.folder / "b" / "labels.csv") != table(run.folder / "c" / "labels.csv")
    one, other = (label(run, "--export", name, "--count", "9", "--seed", "3") for name in ("d", "e"))
    assert one.stdout.replace("d/", "e/") == other.stdout
    assert (run.folder / "d/labels.html").read_bytes() == (run.folder / "e/labels.html").read_bytes()
    label(run, "--export", "f", "--count", "9", "--seed", "4")
    assert table(run.folder / "f" / "labels.csv") != table(run.folder / "d" / "labels.csv")


def test_the_counts_say_what_would_make_grade_a(run: GradedRun) -> None:
    out = " ".join(label(run, "--export", "packet", "--count", "20").stdout.split())
    assert "200 labels for one task and candidate make its evidence grade A; 0 of 4" in out


def test_a_later_packet_takes_other_pairs_until_none_is_left(run: GradedRun) -> None:
    wanted = ["--task", "chat", "--candidate", "candidate-one"]
    label(run, "--export", "packet", "--count", "6", *wanted)
    label(run, "--import", str(fill(run, lambda row: "tie")))
    before = labels(run)
    assert "10 pairs to compare" in label(run, "--export", "rest", *wanted).stdout
    label(run, "--import", str(fill(run, lambda row: "tie", packet="rest")))
    assert len(labels(run)) == 16 and all(labels(run)[key].probability == 1 for key in before)
    assert "label already" in label(run, "--export", "none", *wanted, code=3).stderr


def test_several_people_count_together_and_their_agreement_is_told(run: GradedRun) -> None:
    label(run, "--export", "packet", "--count", "8")
    fill(run, candidates_side, "labels-anna.csv")
    fill(run, lambda row: "tie" if row["item"].endswith("1") else candidates_side(row), "labels-ben.csv")
    out = " ".join(label(run, "--import", "labels-anna.csv", "--import", "labels-ben.csv").stdout.split())
    assert "8 labels of 2 files kept" in out and "8 pairs labelled by several people" in out and "87.5 %" in out
    assert sorted(item.difference for item in labels(run).values()) == [0.5, *[1] * 7]
    again = label(run, "--import", "labels-anna.csv", "--import", "labels-anna.csv").stdout
    assert "8 labels of 1 file" in again and "several people labelled" not in again


def test_bad_rows_are_named_and_the_rest_counts(run: GradedRun) -> None:
    label(run, "--export", "packet", "--count", "8")
    fill(run, lambda row: {"1": "perhaps", "2": ""}.get(row["item"][-1], "1"))
    out = label(run, "--import", "labels.csv").stdout
    assert "6 labels" in out and "labels.csv:2" in out and "'perhaps'" in out and "without a verdict: 1 row" in out
    fill(run, lambda row: "perhaps")
    outcome = label(run, "--import", "labels.csv", code=3)
    assert "no verdict in labels.csv" in outcome.stderr and "labels.csv:2" in outcome.stderr
    assert len(labels(run)) == 6


def test_items_of_elsewhere_are_refused(run: GradedRun, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = make(tmp_path_factory.mktemp("other"), 20)
    label(other, "--export", "packet", "--count", "8")
    stray = fill(other, lambda row: "1")
    assert "no packet" in label(run, "--import", str(stray), code=3).stderr
    label(run, "--export", "packet", "--count", "8")
    mine = fill(run, lambda row: "1")
    mine.write_text(mine.read_text().replace("-2,", "-99,"))
    assert "labels.csv:3" in label(run, "--import", "labels.csv", code=3).stderr
    fill(run, lambda row: "1")
    assert "not of r2" in label(run, "r2", "--import", "labels.csv", code=3).stderr
    (run.folder / "odd.csv").write_text("item,verdict\n../../x-1,1\n")
    assert "no packet" in label(run, "--import", "odd.csv", code=3).stderr
    assert run.workspace.labels() is None


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--export", "x", "--import", "y.csv"],
        ["--import", "y.csv", "--count", "3"],
        ["--import", "y.csv", "--all"],
        ["--export", "x", "--task", "nothing"],
        ["--export", "x", "--candidate", "nobody"],
        ["--export", "x", "--count", "0"],
    ],
)
def test_usage_errors(run: GradedRun, arguments: list[str]) -> None:
    assert label(run, *arguments, code=2).stderr
    assert not (run.folder / "x").exists()


def test_a_filled_in_packet_is_not_overwritten(run: GradedRun) -> None:
    label(run, "--export", "packet", "--count", "8")
    label(run, "--export", "packet", "--count", "8")
    path = run.folder / "packet" / "labels.csv"
    path.write_text(path.read_text("utf-8").replace("-1,,", "-1,tie,"), "utf-8")
    assert "perhaps filled in" in label(run, "--export", "packet", "--count", "8", code=2).stderr
    assert "-1,tie," in path.read_text("utf-8")


def test_answers_that_the_store_lost_are_left_out_and_counted(tmp_path: Path) -> None:
    run = make(tmp_path, stored=lambda prompt: prompt % 8 != 3)
    out = " ".join(label(run, "--export", "packet").stdout.split())
    assert "not in the store: 8 pairs" in out
    (run.workspace.answers).unlink()
    for path in run.workspace.path.glob("answers.sqlite-*"):
        path.unlink()
    assert "in the store" in label(run, "--export", "other", code=3).stderr


def test_a_log_that_changed_is_said_so(run: GradedRun) -> None:
    (run.folder / "log.jsonl").write_text("{}\n")
    assert "has changed" in label(run, "--export", "packet", code=3).stderr
    assert not (run.folder / "packet").exists()


def test_a_run_that_is_not_there(run: GradedRun, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert RUN in label(run, "r2", "--export", "packet", code=3).stderr
    run.workspace.save_run("old", b"{}")
    assert "its report alone" in label(run, "--export", "packet", code=3).stderr
    with pytest.raises(InputError, match="no run"):
        api.label_export(folder=run.folder / "x", workspace=tmp_path_factory.mktemp("new") / ".llmcost")


def test_results_are_structs_and_frames(run: GradedRun) -> None:
    found = api.label_export(folder=run.folder / "packet", workspace=run.workspace.path)
    assert sum(cell.drawn for cell in found.result.cells) == found.result.drawn
    back = api.label_import([fill(run, candidates_side)], workspace=run.workspace.path)
    assert back.cells["better"].sum() == back.result.labels == found.result.drawn
