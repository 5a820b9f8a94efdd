# SPDX-License-Identifier: MIT
"""Every test here has a desk (desk.py) on a machine of its own (../namespace.py)."""
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from desk import Desk  # noqa: E402 (the path comes first)
from namespace import Namespace  # noqa: E402


@pytest.fixture
def desk(tmp_path):
    desk = Desk(Namespace(), tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def host_name():
    return socket.gethostname()
