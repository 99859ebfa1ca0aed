"""Pairs of a run → a packet for people to compare; their verdicts → labels in the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from llmcost import logs
from llmcost.api.shown import Shown
from llmcost.calls import Calls
from llmcost.endpoint import Completion
from llmcost.errors import ConfigError, InputError
from llmcost.grading import labels as people
from llmcost.labelling import packet as packets
from llmcost.labelling.draw import Draw, Wish, cells_of, draw
from llmcost.labelling.packet import Packet, ShownItem, packet_of, shown
from llmcost.labelling.read import Reading, read
from llmcost.labelling.result import BadRow, LabelExport, LabelImport
from llmcost.labelling.verdicts import agreement, labels_of, merged, tallied
from llmcost.replay import open_store, readable
from llmcost.report.label_page import label_page, label_table
from llmcost.serving.rendering import answer_text, question_text
from llmcost.trial.record import RunRecord, unpack
from llmcost.whole_files import write_result
from llmcost.workspace import Workspace

PAGE, TABLE = "labels.html", "labels.csv"


def record_of(run: str | None, place: Workspace) -> tuple[RunRecord, Calls]:
    """What a run graded, and its calls; of the last run if none is named. Raises InputError if there is none."""
    wanted = run or place.last_run()
    if wanted is None:
        raise InputError(f"no run is saved in {place.path}", "llmcost replay makes one")
    return unpack(place.load_record(wanted))


def export_packet(
    record: RunRecord, calls: Calls, folder: Path, wish: Wish, place: Workspace, texts: Shown
) -> LabelExport:
    """Draws a packet, keeps its key, and writes its two files into the folder.

    Raises InputError if the log no longer holds what was replayed, or if nothing can be drawn; ConfigError if the
    folder holds another packet, which may be filled in already.
    """
    cells = cells_of(record, wish)
    with open_store(place) as store:
        found = store.get([pair.answer for cell in cells for pair in cell.pairs])
        stored = {key for key, completion in found.items() if readable(completion)}
        here = [kept for cell in cells if (kept := cell.among(stored)).pairs]
        missing = sum(len(cell.pairs) for cell in cells) - sum(len(cell.pairs) for cell in here)
        if not here:
            raise InputError("none of the run's answers is in the store any more", "replay again, then export")
        drawn = draw(record, here, people.decode(place.labels()), wish)
        items = _shown(drawn, calls, found, texts)
    _write(folder, {PAGE: label_page(drawn.packet.id, items), TABLE: label_table(items)}, drawn.packet, place)
    page, table = (str(folder / name) for name in (PAGE, TABLE))
    return LabelExport(drawn.packet.id, record.run, page, table, drawn.cells, missing)


def import_labels(run: str | None, files: Sequence[Path], place: Workspace) -> LabelImport:
    """Takes in what people said, one file a person, in place of what the same packets said before.

    Raises InputError for a file of no packet of this workspace (or, if a run is named, of another run), and if nothing
    in the files is usable.
    """
    files = list(dict.fromkeys(files))  # one named twice is not two people who agree
    readings = [read(path) for path in files]
    keys = _keys(readings, run, place)
    bad = [row for reading in readings for row in reading.bad]
    if not keys:
        raise _nothing_usable(files, bad)
    records = [record_of(name, place)[0] for name in sorted({packet.run for packet in keys.values()})]
    before, new = people.decode(place.labels()), labels_of(keys, readings)
    labels = merged(before, new, keys.values())
    place.save_labels(people.encode(labels))
    shared, alike = agreement(readings)
    return LabelImport(
        packets=sorted(keys),
        files=len(files),
        labels=len(new),
        skipped=sum(reading.skipped for reading in readings),
        replaced=sum(label.packet in keys for label in before.values()),
        bad=bad,
        shared=shared,
        agreement=alike,
        cells=[cell for record in records for cell in tallied(record, labels)],
    )


def _shown(drawn: Draw, calls: Calls, answers: Mapping[bytes, Completion], texts: Shown) -> list[ShownItem]:
    """What people see of each pair, as the judges saw it but for what is hidden."""
    rows, which = np.unique(np.array(drawn.prompts), return_inverse=True)
    bodies = logs.bodies(calls.take(rows))
    found = []
    for item, row in zip(drawn.packet.items, which.tolist(), strict=True):
        call, completion = bodies[row], answers[bytes.fromhex(item.pair.answer)]
        candidate = answer_text(texts.answer(call.request, completion))
        found.append(
            shown(item, *texts.together(question_text(call.request or {}), answer_text(call.answer), candidate))
        )
    return found


def _write(folder: Path, files: dict[str, str], packet: Packet, place: Workspace) -> None:
    """Keeps the key, then writes the files, unless that would overwrite others: somebody may have filled them in."""
    contents = {folder / name: text.encode("utf-8-sig" if name == TABLE else "utf-8") for name, text in files.items()}
    try:
        taken = [path for path, content in contents.items() if path.exists() and path.read_bytes() != content]
        if taken:
            raise ConfigError(f"{taken[0]} is there already, perhaps filled in", "name another folder with --export")
        place.save_packet(packet.id, packets.encode(packet))
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            write_result(path, content)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}", "name another folder with --export") from error


def _keys(readings: Sequence[Reading], run: str | None, place: Workspace) -> dict[str, Packet]:
    """The key of every packet that has a verdict in these files."""
    first = {packet_of(item): said.place for reading in reversed(readings) for item, said in reading.said.items()}
    return {name: _key(name, where, run, place) for name, where in first.items()}


def _key(name: str, where: str, run: str | None, place: Workspace) -> Packet:
    content = place.packet(name)
    if content is None:
        raise InputError(
            f"{where}: the item is of no packet that was exported from {place.path}",
            "import where it was exported (LLMCOST_WORKSPACE), and leave the column item as it was",
        )
    packet = packets.decode(content)
    if run is not None and packet.run != run:
        raise InputError(f"{where}: the packet is of run {packet.run}, not of {run}", "leave the run out, or name that")
    return packet


def _nothing_usable(files: Sequence[Path], bad: Sequence[BadRow]) -> InputError:
    first = "".join(f"; first: {row.place}: {row.reason}" for row in bad[:1])
    return InputError(f"no verdict in {', '.join(map(str, files))}{first}", "fill in the column verdict: 1, 2 or tie")
