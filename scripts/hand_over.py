"""Write a deployment's files into a folder: ``python -m scripts.hand_over dev --out folder``.

This is for users who deploy with other tools. It needs no credentials and no request to AWS.
Policies have ``${AccountId}``, ``${Region}`` and ``${Partition}`` as placeholders.
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from scripts import build_layer, package, preflight
from scripts.console import DeploymentError
from scripts.record_outputs import (
    ENVIRONMENT,
    LAYERS,
    MEASURING_FUNCTION,
    Account,
    deployed_name,
    environment,
    functions,
    policies,
    read_config,
)
from scripts.stack import TEMPLATE, default_outputs

ANY_ACCOUNT = Account(account_id="${AccountId}", region="${Region}", partition="${Partition}")


def write(project: Path, stage: str, out: Path) -> dict[str, Any]:
    """Write archives, template, policies and a manifest of them; return the manifest."""
    machine = package.architecture(project, stage)
    built, layers = package.build(project, machine), build_layer.build(project, machine)
    package.check(built, layers, project, machine)
    shutil.rmtree(out / "policies", ignore_errors=True)
    (out / "policies").mkdir(parents=True)
    archives = {"function.zip": built.function}
    archives |= {f"{name}-layer.zip": path for name, path in layers.items()}
    if built.requirements:
        archives["requirements-layer.zip"] = built.requirements
    for name, path in archives.items():
        shutil.copyfile(path, out / name)
    shutil.copyfile(project / TEMPLATE, out / TEMPLATE.name)
    outputs = default_outputs(stage, ANY_ACCOUNT)
    for function, policy in policies(project, stage, outputs, ANY_ACCOUNT).items():
        (out / "policies" / f"{function}.json").write_text(policy)
    manifest = {
        "stage": stage,
        "runtime": package.RUNTIME,
        "architecture": machine,
        "archives": {name: _archive(out / name) for name in sorted(archives)},
        "environment": {
            "from_the_stack": ENVIRONMENT,
            "of_the_stage": environment(project, stage),
        },
        "functions": {
            function: _function(project, stage, function, sorted(archives))
            for function in functions(project)
        },
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest


def _archive(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _function(project: Path, stage: str, function: str, archives: list[str]) -> dict[str, Any]:
    config = read_config(project)
    settings = config["lambda_functions"].get(function, {})
    is_measuring = function == MEASURING_FUNCTION
    return {
        "name": deployed_name(stage, function),
        "handler": "app.app" if function == "api_handler" else f"app.{function}",
        "memory_mb": settings.get("lambda_memory_size", config["lambda_memory_size"]),
        "timeout_s": settings.get("lambda_timeout", config["lambda_timeout"]),
        "disk_mb": package.TEMPORARY_DISK_MB if is_measuring else package.FREE_DISK_MB,
        "layers": [
            name
            for name in archives
            if name == "requirements-layer.zip"
            or name.removesuffix("-layer.zip") in LAYERS.get(function, ())
        ],
        "policy": f"policies/{function}.json",
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the package of the stage that the command line names."""
    parser = argparse.ArgumentParser(prog="make package", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--project", type=Path, default=Path(), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        preflight.check_stage(given.stage)
        preflight.check_python()
        manifest = write(given.project.resolve(), given.stage, given.out)
    except DeploymentError as exc:
        print(exc, file=sys.stderr)
        return 1
    for name, archive in manifest["archives"].items():
        print(f"{archive['bytes'] / package.MIB:6.1f} MB  {given.out / name}")
    print(f"{given.out / 'manifest.json'} names the archives of each function.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
