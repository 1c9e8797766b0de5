"""The calls to AWS that each deployed function can make, read from the code itself."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
API_HANDLER = "api_handler"
CLIENTS = {"_client", "_table", "client"}


def deployed_functions() -> dict[str, list[str]]:
    """Return each deployed function and the functions of ``app.py`` that it runs."""
    found: dict[str, list[str]] = {}
    for node in _functions(ROOT / "app.py"):
        triggers = {ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list}
        if "app.route" in triggers:
            found.setdefault(API_HANDLER, []).append(node.name)
        elif any(trigger.startswith("app.") for trigger in triggers - {"app.middleware"}):
            found[node.name] = [node.name]
    return found


def wrapper_calls(entries: list[str]) -> set[tuple[str, str]]:
    """Return each field of Services, and the methods of this field that functions can reach."""
    seen: set[str] = set()
    waiting, calls = list(entries), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for function in _index().get(name, []):
            for node in ast.walk(function):
                if isinstance(node, ast.Name):
                    waiting.append(node.id)
                elif isinstance(node, ast.Attribute):
                    waiting.append(node.attr)
                    if isinstance(node.value, ast.Attribute) and node.value.attr in wrappers():
                        calls.add((node.value.attr, node.attr))
    return {(field, method) for field, method in calls if method in _methods(wrappers()[field])}


def client_calls(field: str, method: str) -> set[str]:
    """Return every boto3 method that a wrapper's method calls, directly or through others."""
    methods = _methods(wrappers()[field])
    seen: set[str] = set()
    waiting, calls = [method], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in methods:
            continue
        seen.add(name)
        for node in ast.walk(methods[name]):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            target = ast.unparse(node.func)
            if target == "smart_open.s3.open":
                mode = next(arg.value for arg in node.args if isinstance(arg, ast.Constant))
                calls.add(f"{target} {mode}")
            elif isinstance(node.func.value, ast.Attribute) and node.func.value.attr in CLIENTS:
                operation = node.func.attr
                if operation == "get_paginator":
                    operation = ast.literal_eval(node.args[0])
                asked = _indexes_asked(methods[name]) if operation == "query" else set()
                calls |= {f"{operation} {index}" for index in asked} or {operation}
            elif isinstance(node.func.value, ast.Name) and node.func.value.id == "self":
                waiting.append(node.func.attr)
    return calls


def _indexes_asked(method: ast.FunctionDef) -> set[str]:
    """Return the indexes that a table's method queries, because permissions name them."""
    return {
        node.id.lower()
        for node in ast.walk(method)
        if isinstance(node, ast.Name) and node.id.startswith("BY_")
    }


@cache
def wrappers() -> dict[str, str]:
    """Return the fields of Services that are wrappers, and their classes."""
    tree = ast.parse((ROOT / "chalicelib/services.py").read_text())
    (services,) = (
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Services"
    )
    return {
        node.target.id: ast.unparse(node.annotation)
        for node in services.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and ast.unparse(node.annotation) in _classes()
    }


def _methods(class_name: str) -> dict[str, ast.FunctionDef]:
    if class_name not in _classes():
        return {}
    found = _classes()[class_name]
    methods: dict[str, ast.FunctionDef] = {}
    for base in found.bases:
        methods |= _methods(ast.unparse(base))
    return methods | {
        node.name: node
        for node in found.body
        if isinstance(node, ast.FunctionDef) and node.name != "__init__"
    }


@cache
def _classes() -> dict[str, ast.ClassDef]:
    return {
        node.name: node
        for path in sorted((ROOT / "chalicelib/aws").glob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }


@cache
def _index() -> dict[str, list[ast.FunctionDef]]:
    index: dict[str, list[ast.FunctionDef]] = {}
    rooms = (ROOT / "chalicelib", ROOT / "chalicelib/pipeline", ROOT / "chalicelib/api")
    for path in [ROOT / "app.py", *(path for room in rooms for path in sorted(room.glob("*.py")))]:
        for function in _functions(path):
            index.setdefault(function.name, []).append(function)
    return index


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            yield node
