"""Let moto and botocore prepare things once that they prepare again for each test.

For each test they read the template with PyYAML's parser in Python, read the models of AWS from
JSON, and generate an RSA key for each DynamoDB table. Each of these takes about 0.1 s of CPU.
"""

from functools import cache

import botocore.session
import moto.kms.models
import yaml
from moto.cloudformation.utils import yaml_tag_constructor


def prepare() -> None:
    """Let moto read YAML with libyaml's parser, and make one key of each kind in this process.

    All sessions share the models of AWS. Otherwise each of them reads them anew.
    """
    yaml.add_multi_constructor("", yaml_tag_constructor, Loader=yaml.CLoader)
    yaml.Loader = yaml.CLoader
    botocore.session.create_loader = cache(botocore.session.create_loader)
    moto.kms.models.generate_private_key = cache(moto.kms.models.generate_private_key)
