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
    """A new export at each call, every one another shop's."""

    def make(rows=4000, seed=1):
        return generate(tmp_path / f"sales-{seed}.csv", rows, seed)

    return make
