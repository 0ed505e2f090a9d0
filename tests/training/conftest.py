import pytest

from tests.models.tiny import save_random_student


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    return save_random_student(tmp_path_factory.mktemp("base"))
