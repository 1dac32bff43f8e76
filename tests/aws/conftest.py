import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from local_aws.deployment import Deployment, generate  # noqa: E402


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    deployment = Deployment(tmp_path_factory.mktemp("logs"))
    yield deployment
    deployment.stop()


@pytest.fixture
def export(tmp_path):
    """An export whose last purchase is on a day of January 2026."""

    def make(day):
        return generate(tmp_path / f"sales-{day}.csv", day)

    return make
