"""English words → stems, whichever side of the Atlantic they were spelled on."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from threading import local

_OUR = re.compile(r"(?<=[^aeiou])our(?=(?:s|ed|ing|ful|al|hood|able|less|ly|ite|ites)?$)")
_ISE = re.compile(
    r"(?<=[a-z]{3}i)s(?=(?:e|es|ed|ing|er|ers|ation|ations|able)$)"
    r"|(?<=aly)s(?=(?:e|es|ed|ing|er|ers)$)"
)
_AMERICAN = {
    "centre": "center",
    "centres": "centers",
    "centred": "centered",
    "fibre": "fiber",
    "fibres": "fibers",
    "metre": "meter",
    "metres": "meters",
    "litre": "liter",
    "litres": "liters",
    "theatre": "theater",
    "grey": "gray",
    "disc": "disk",
    "discs": "disks",
    "maths": "math",
    "programme": "program",
    "programmes": "programs",
}
"""British spellings that no rule below catches."""


class _Stemmer(local):
    """Snowball's, one for each thread: it keeps the word that it is at."""

    def __init__(self) -> None:
        import snowballstemmer

        self.stem: Callable[[str], str] = snowballstemmer.stemmer("english").stemWord


_stemmer = cache(_Stemmer)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Snowball's stem of the American spelling: lecturers and askers spell differently."""
    american = _AMERICAN.get(word) or _ISE.sub("z", _OUR.sub("or", word))
    found = _stemmer().stem(american)
    return found[:-1] if len(found) > 5 and found.endswith("ell") else found  # modelling, modeling
