"""Others can deploy what is written into a folder: it is whole, and nothing was asked of AWS."""

import json
import os
import shutil
from pathlib import Path

import pytest
from support.deploy import calls

from scripts import archive, hand_over
from scripts.stack import default_outputs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def written(built, tmp_path, monkeypatch) -> Path:
    """Write the package of a stage where there are no credentials and no AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    project = Path(shutil.copytree(built, tmp_path / "project"))
    hand_over.write(project, "dev", tmp_path / "out")
    return tmp_path / "out"


def test_every_function_is_there_with_its_archives_and_its_policy(written):
    manifest = json.loads((written / "manifest.json").read_text())

    assert manifest["functions"].keys() == calls.deployed_functions().keys()
    for function in manifest["functions"].values():
        assert all((written / layer).is_file() for layer in function["layers"])
        assert json.loads((written / function["policy"]).read_text())["Statement"]
    measuring = manifest["functions"]["extract_features"]
    assert measuring["layers"] == ["media-layer.zip", "requirements-layer.zip"]
    assert manifest["functions"]["recognise_speech"]["layers"] == [
        "model-layer.zip",
        "requirements-layer.zip",
        "speech-layer.zip",
    ]
    assert (measuring["memory_mb"], measuring["timeout_s"], measuring["disk_mb"]) == (
        1769,
        900,
        2048,
    )
    assert (written / "resources.yml").read_bytes() == (
        ROOT / "cloudformation/resources.yml"
    ).read_bytes()


def test_each_archive_is_what_the_manifest_says(written):
    manifest = json.loads((written / "manifest.json").read_text())

    assert len(manifest["archives"]) == 5
    for name, told in manifest["archives"].items():
        assert hand_over._archive(written / name) == told  # told of another file
        assert archive.unzipped_bytes(written / name) > 0


def test_policies_leave_open_nothing_but_account_region_and_partition(written):
    text = "".join(path.read_text() for path in (written / "policies").iterdir())
    for name in ("AccountId", "Region", "Partition"):
        assert f"${{{name}}}" in text
        text = text.replace(f"${{{name}}}", "")

    assert "$" not in text
    assert "earshot-dev-media" in text


def test_the_names_are_those_that_the_template_gives(services):
    """In local mode, whose names of bucket and tables are parameters."""
    outputs = default_outputs("local", hand_over.ANY_ACCOUNT)

    role = services.settings.mediaconvert_role_arn.rpartition("/")[2]
    assert outputs["MediaConvertRoleArn"].endswith(role.replace("us-east-1", "${Region}"))
    assert outputs["FeaturesQueueUrl"].endswith(f"/{services.settings.features_queue}")
    assert outputs["DatasetsQueueUrl"].endswith(f"/{services.settings.datasets_queue}")
