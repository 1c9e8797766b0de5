"""Chalice's internal names, imported here and nowhere else.

Chalice is pinned to one version. Before you change the version, read these names in its sources.
Chalice's own code builds the packages, so that `chalice deploy` finds and uploads them unchanged.
"""

from chalice.deploy.packager import (
    AppOnlyDeploymentPackager,
    DependencyBuilder,
    EmptyPackageError,
    LayerDeploymentPackager,
)
from chalice.utils import UI, OSUtils

__all__ = [
    "UI",
    "AppOnlyDeploymentPackager",
    "DependencyBuilder",
    "EmptyPackageError",
    "LayerDeploymentPackager",
    "OSUtils",
]
