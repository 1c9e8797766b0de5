"""Everything of Chalice's that is not its public interface, imported here and nowhere else.

Chalice is pinned to one version. With another one, read these names in its sources first: a
package is built by Chalice's own code, so that `chalice deploy` finds it and uploads it as it is.
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
