"""The page's modules as one file, because each request is a call of a function.

A new AWS account runs ten functions at once, and if one module is refused the page is blank. The
modules in the repository import one another. The one file is made from them at its first request,
so there is no build step.

Each module becomes a function that returns its exports. It is called once, after its imports.
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
    """Return one module with everything that ``entry`` needs.

    Parameters
    ----------
    modules : mapping of str to str
        each module's source by its name, without the extension
    entry : str
        the module that starts the page; it is the last one, and may use ``await`` at its top level
    """
    order = _in_order(modules, entry)
    return "\n".join(
        [*(_wrapped(name, modules[name]) for name in order[:-1]), _linked(modules[entry])]
    )


def _in_order(modules: Mapping[str, str], entry: str) -> list[str]:
    """Return the names of all needed modules, each after its imports."""
    order: list[str] = []
    entered: set[str] = set()

    def enter(name: str) -> None:
        if name in order:
            return
        if name in entered:
            raise ValueError(f"{name}.js imports itself through other modules")
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
