"""The suites live in `glmos.testing`; this lets their failures show values."""

import pytest

pytest.register_assert_rewrite("glmos.testing.stores")
