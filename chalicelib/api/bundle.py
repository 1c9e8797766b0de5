"""The page's modules as one: a request for each would be a function's call for each.

A new AWS account runs ten functions at once, and a module that is refused is a blank page. The
modules stay as they are written and import one another; what is served is made of them here, when
it is first asked for, so there is nothing to build.

Each module becomes a function that gives its exports, called once, after all that it imports.
"""

import re
from collections.abc import Mapping

IMPORT = re.compile(
    r'^import (?:\* as (?P<all>\w+)|\{(?P<names>[^}]*)\}) from "\./(?P<module>\w+)\.js";\n',
    re.MULTILINE,
)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (?P<name>\w+))", re.MULTILINE)
EXPORTED_LATER = re.compile(r"^export \{(?P<names>[^}]*)\};\n", re.MULTILINE)


def bundle(modules: Mapping[str, str], entry: str) -> str:
    """Return one module of all that ``entry`` needs.

    Parameters
    ----------
    modules : mapping of str to str
        each module's source by its name, without the extension
    entry : str
        the module that starts the page; it stands last, and may wait at its top level
    """
    order = _in_order(modules, entry)
    return "\n".join(
        [*(_wrapped(name, modules[name]) for name in order[:-1]), _linked(modules[entry])]
    )


def _in_order(modules: Mapping[str, str], entry: str) -> list[str]:
    """Return the names of all modules that are needed, each after those that it imports."""
    order: list[str] = []
    entered: set[str] = set()

    def enter(name: str) -> None:
        if name in order:
            return
        if name in entered:
            raise ValueError(f"{name}.js imports itself by way of others")
        entered.add(name)
        for found in IMPORT.finditer(modules[name]):
            enter(found["module"])
        order.append(name)

    enter(entry)
    return order


def _wrapped(name: str, source: str) -> str:
    exported = [found["name"] for found in EXPORT.finditer(source)]
    for found in EXPORTED_LATER.finditer(source):
        exported += re.findall(r"\w+", found["names"])
    body = EXPORTED_LATER.sub("", EXPORT.sub("", _linked(source)))
    return f"const ${name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"


def _linked(source: str) -> str:
    """Return a module that takes its imports from the constants before it."""

    def link(found: re.Match[str]) -> str:
        if found["all"]:
            return f"const {found['all']} = ${found['module']};\n"
        return f"const {{{found['names'].replace(' as ', ': ')}}} = ${found['module']};\n"

    return IMPORT.sub(link, source)
