"""Every store does what the port promises."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from glmos.abi.ids import BlobRef
from glmos.journal.stores.ram import RamStore
from glmos.journal.stores.sqlite import SqliteStore
from glmos.ports import Store
from glmos.testing.stores import DurableStoreConformance, StoreConformance

pytestmark = pytest.mark.anyio


class TestSqliteStore(DurableStoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncGenerator[SqliteStore]:
        store = await SqliteStore.open(tmp_path / "家")
        yield store
        await store.aclose()

    async def reopened(self, store: Store) -> Store:
        assert isinstance(store, SqliteStore)
        return await SqliteStore.open(store.path.parent)

    def damage_blob(self, store: Store, ref: BlobRef) -> None:
        assert isinstance(store, SqliteStore)
        path = store.path.parent / "blobs" / ref[:2] / ref[2:]
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0x10
        path.write_bytes(content)


class TestSqliteStoreOnTrio(TestSqliteStore):
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "trio"


class TestRamStore(StoreConformance):
    @pytest.fixture
    def store(self) -> RamStore:
        return RamStore()

    def damage_blob(self, store: Store, ref: BlobRef) -> None:
        assert isinstance(store, RamStore)
        store.damage_blob(ref)


class TestRamStoreOnTrio(TestRamStore):
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "trio"
