"""A history as a list of moves: each has a kind, a target and a fate."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Move:
    """One step of a history.

    ``kind`` is one of

    - ``run``: a handler (``target``) makes its next request; ``fate`` is the fault, if any;
    - ``deliver``, ``receive``: an event or a message comes, or is lost, or comes twice;
    - ``advance``: a job begins or ends, or fails;
    - ``put``, ``begin parts``, ``end parts``, ``remove``, ``delete by API``, ``reprocess by API``,
      ``search``, ``correct``, ``reprocess as owner``: an act of people, on an upload key;
    - ``make data set``, ``delete data set``: an act of the administrator, on a data set's name;
    - ``reconcile``: a quarter of an hour is over;
    - ``catch up``: the indexes show what the tables hold, or some of it (``target``);
    - ``wait``: ``target`` minutes pass.

    ``target`` is a name that does not depend on earlier moves, so a shorter list is valid too.
    """

    kind: str
    target: str = ""
    fate: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind, self.target, self.fate.upper()) if part)


ACTS = (
    "put",
    "begin parts",
    "end parts",
    "remove",
    "delete by API",
    "reprocess by API",
    "search",
    "correct",
    "reprocess as owner",
    "make data set",
    "delete data set",
)
