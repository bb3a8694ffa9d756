"""What an earlier GLM-OS wrote still loads and means the same.

A new event kind, and a new field, adds a sample at the end of `events-v1.json`; a sample that is there is never edited.
The golden databases are never written again: they are what older schemas left on people's disks.
"""

import json
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest

from glmos.abi.events import Event, ProcessCreated
from glmos.journal.codec import EVENT_TYPES, decode_event, encode_event, event_type
from glmos.journal.stores.sqlite import SqliteStore
from glmos.ports import Snapshot

GOLDEN = Path(__file__).with_name("golden")
SAMPLES: list[dict[str, Any]] = json.loads((GOLDEN / "events-v1.json").read_text("utf-8"))
BLOB = "597baf1984431ecbc8327902a222ead511f053051df73a626bf63a8641f65672"


def test_every_kind_of_event_has_a_sample() -> None:
    assert {sample["type"] for sample in SAMPLES} == EVENT_TYPES
    assert len(EVENT_TYPES) == len(get_args(Event)), "two kinds share a tag"


def test_every_field_of_every_kind_is_in_a_sample() -> None:
    """So that no field can be renamed or retyped unnoticed."""
    for kind in get_args(Event):
        tag = kind.__struct_config__.tag
        seen = {key for sample in SAMPLES if sample["type"] == tag for key in sample}
        missing = set(kind.__struct_encode_fields__) - seen
        assert not missing, f"no sample of {tag} shows {missing}: add one at the end of events-v1.json"


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["type"] for sample in SAMPLES])
def test_a_sample_decodes_and_encodes_to_the_same_json(sample: dict[str, Any]) -> None:
    event = decode_event(json.dumps(sample).encode())
    assert event_type(event) == sample["type"]
    assert json.loads(encode_event(event)) == sample


@pytest.mark.anyio
@pytest.mark.parametrize("version", [1, 2, 3, 4])
async def test_the_journal_of_an_older_schema_opens(tmp_path: Path, version: int) -> None:
    shutil.copy(GOLDEN / f"journal-v{version}.db", tmp_path / "journal.db")
    shutil.copytree(GOLDEN / "blobs", tmp_path / "blobs")
    store = await SqliteStore.open(tmp_path)
    log = await store.read(1)
    assert [json.loads(encode_event(entry.event)) for entry in log] == SAMPLES[:39]
    assert {entry.at for entry in log} == {1795420000.0}
    assert (await store.read(2))[0].event == ProcessCreated(goal="Check the north", root=1, parent=1)
    assert [(row.pid, row.status) for row in await store.rows()] == [(1, "done"), (2, "waiting")]
    assert [row.pid for row in await store.rows(live_only=True)] == [2]
    assert await store.load_snapshot(1) == Snapshot(30, "1", b'{"state":"as it was"}')
    assert await store.get_blob(BLOB) == "完整的输出\n".encode() * 100
    assert await store.new_pid() == 3
    assert await store.append(1, 39, [log[-1].event], at=1.0) == 40
    await store.aclose()
