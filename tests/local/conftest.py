import os

import pytest

# A tiny matrix is done before a second thread has woken up.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder for checkpoints that several tests use."""
    return tmp_path_factory.mktemp("weights")
