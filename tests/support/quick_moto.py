"""Let moto and botocore prepare things once that they prepare again for each test.

For each test they read the template with PyYAML's parser in Python, read the models of AWS from
JSON, and generate an RSA key for each DynamoDB table. Each of these takes about 0.1 s of CPU.
"""

from functools import cache

import boto3
import botocore.session
import moto.kms.models
import yaml
from moto.cloudformation.utils import yaml_tag_constructor


def prepare() -> None:
    """Let moto read YAML with libyaml's parser, and use one key of each kind in this process."""
    yaml.add_multi_constructor("", yaml_tag_constructor, Loader=yaml.CLoader)
    yaml.Loader = yaml.CLoader
    moto.kms.models.generate_private_key = cache(moto.kms.models.generate_private_key)


def open_session() -> None:
    """Give boto3 a default session that shares the models of AWS with earlier sessions."""
    session = botocore.session.Session()
    session.register_component("data_loader", models())
    boto3.setup_default_session(botocore_session=session)


@cache
def models() -> botocore.loaders.Loader:
    """Return a loader that keeps the models of AWS for all sessions of this process."""
    return botocore.session.Session().get_component("data_loader")
