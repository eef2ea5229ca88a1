"""Text → index terms, the same for passages and for questions.

Width, case and Chinese script are folded, Chinese is cut into words (rjieba, search mode), English
is stemmed (Snowball), numbers become digits whether they were written or spelled, and words that
stand in every text are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib.metadata import version

VERSION = " ".join(
    ["terms-1", *(f"{name}-{version(name)}" for name in ("rjieba", "snowballstemmer", "opencc"))]
)
"""Names the rules of this file and the libraries behind them: an index of another version is
rebuilt."""

_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA_HANGUL = "\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af"
_HAS_HAN = re.compile(f"[{_HAN}]")
_PIECE = re.compile(
    f"(?P<han>[{_HAN}]+)"
    f"|(?P<run>[{_KANA_HANGUL}]+)"
    f"|(?P<number>\\d+(?:[.,]\\d+)*(?![^\\W\\d_{_HAN}{_KANA_HANGUL}]))"
    f"|(?P<word>[^\\W_{_HAN}{_KANA_HANGUL}]+(?:\\+\\+|#)?)"
)
_SUPERSCRIPTS = {ord(c): f" {d} " for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)}
_APOSTROPHE = re.compile(
    r"(?<=can)['’]t\b|(?<=ain)['’]t\b|(?<=\w)(?<!\bca)(?<!\bai)n['’]t\b"
    r"|(?<=\w)['’](?:s|re|ll|ve|d|m)\b"
)
"""The ends of `wasn't`, `it's` and `we'll`; what is left of them are stop-words."""


def _words(block: str) -> frozenset[str]:
    return frozenset(block.split())


ENGLISH_STOP_WORDS = _words(
    """
    a about above after again against ain all also am an and any are as at be because been before
    being below between both but by can cannot could did do does doing down during each either else
    ever every few for from further get gets getting give given go goes going gonna got had has
    have having he her here hers herself him himself his how however i if in into is it its itself
    just know let like made make makes many may maybe me might mine more most much must my myself
    no nor not now of off oh ok okay on once only or other our ours ourselves out over own per
    please put quite rather re really said same say says see seem seems shall she should show shows
    since so some something still such sure take takes tell than that the their theirs them
    themselves then there these they thing things think this those though through thus to too um
    under until up upon us use used uses using very via want wants was way we well were what
    whatever when where whether which while who whom whose why will with within without wo would
    yeah yes yet you your yours yourself yourselves
    """
)
"""Function words and the words that questions and lectures are padded with."""

CHINESE_STOP_WORDS = _words(
    """
    这是 那是 也是 都是 而是 的 地 得 了 着 过 吗 呢 吧 啊 呀 嘛 哦 嗯 哈 啦 么 之 其 而 且 与 和
    跟 及 或 或者 以及 并 并且 而且 但 但是 不过 然而 可是 只是 因为 因此 所以 因而 由于 于是 从而
    既然 如果 要是 假如 假设 的话 那么 则 就 就是 就会 便 才 都 也 还 还是 还有 又 再 再次 只 只有
    只要 只能 仅 很 非常 十分 太 更 更加 最 比较 相当 挺 真 真的 是 是否 不是 是不是 有 没有 有没有
    没 不 不会 不能 无 在 于 从 自 自己 到 向 往 对 对于 关于 为 为了 被 把 将 给 让 使 使得 用
    使用 以 按 按照 由 当 当然 时 时候 的时候 之后 之前 以后 以前 然后 接着 后来 最后 首先 其次
    现在 目前 已 已经 曾经 正在 刚刚 即 即将 即使 虽然 尽管 无论 不管 除了 除非 另外 此外 例如 比如
    譬如 诸如 等 等等 我 你 您 他 她 它 我们 你们 他们 她们 它们 咱们 大家 人们 这 那 这个 那个
    这些 那些 这样 那样 这里 那里 这儿 那儿 这种 那种 这么 此 该 本 某 某个 某些 各 各个 每 每个
    每一 每次 任何 所有 全部 一切 一 一个 一些 一种 一下 一点 一样 一直 一定 一般 一起 一次 一旦 个
    些 种 次 件 位 什么 甚么 怎么 怎样 怎么样 如何 为什么 为何 何 哪 哪个 哪些 哪里 哪儿 谁 多少 几
    几个 多么 是什么 会 能 能够 可 可以 可能 应 应该 应当 要 需要 想 想要 愿意 必须 得到 来 去 上
    下 里 中 内 外 上面 下面 里面 之间 其中 其他 其它 另 另一 另一个 同样 看 看到 看看 说 说明 知道
    认为 觉得 来说 来看 做 进行 成 成为 变成 作 作为 叫 叫做 称为 所 所谓 似乎 好像 也许 或许 其实
    事实上 实际上 基本上 通常 往往 总 总是 经常 有时 有些 有点 许多 很多 更多 多 少 好 好的 请 请问
    告诉 介绍 讲 讲解 怎么办 怎么做 怎样才能 才能 才会 为啥 咋 能否 能不能 可否 做到 有何
    """
)
"""The same for Chinese, simplified."""

_STOP_WORDS = ENGLISH_STOP_WORDS | CHINESE_STOP_WORDS

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
"""
_TENS = " twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS = {word: number for number, word in enumerate(_SMALL.split())} | {
    word: 10 * number for number, word in enumerate(_TENS.split(), start=2)
}
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_DIGIT_WORDS = {character: str(value) for character, value in _DIGITS.items()}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE_NUMBER = re.compile(
    "[〇零一二两三四五六七八九]{3,}|(?=..)[〇零一二两三四五六七八九十百千]*[十百千][〇零一二两三四五六七八九十百千]*"
)
"""Years and codes digit by digit, or a number with units; a lone digit is left to the words."""

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


def fold(text: str) -> str:
    """One form for what reads the same: width, case, superscripts, traditional Chinese."""
    folded = unicodedata.normalize("NFKC", text.translate(_SUPERSCRIPTS)).casefold()
    return _simplify(folded) if _HAS_HAN.search(folded) else folded


def terms(text: str) -> list[str]:
    """The index terms of a text in order, stop-words left out.

    >>> terms("Why is the derivative of e^x itself?")
    ['deriv', 'e', 'x']
    >>> terms("為什麼導數等於自身？")
    ['导数', '等于', '自身']
    """
    found: list[str] = []
    spelled = 0
    for kind, piece in _pieces(_APOSTROPHE.sub("", fold(text))):
        if kind != "word":
            found.extend(_CUTTERS[kind](piece))
            spelled = 0
            continue
        number = _NUMBERS.get(piece)
        if number is not None:
            if spelled and 0 < number < 10:  # forty + four
                found[-1] = str(spelled + number)
                spelled = 0
            else:
                found.append(str(number))
                spelled = number if number >= 20 else 0
        elif piece not in ENGLISH_STOP_WORDS:
            found.append(_stem(piece))
            spelled = 0
    return found


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    for match in _PIECE.finditer(text):
        yield match.lastgroup or "", match.group()


def words(text: str) -> list[str]:
    """The words of a text in order, letter by letter as they stand there; stop-words left out.

    For bases that compare words as they are written.

    >>> words("Why is the Derivative 导数等于自身")
    ['Derivative', '导数', '等于', '自身']
    """
    import rjieba

    found: list[str] = []
    for kind, run in _pieces(text):
        cut = rjieba.cut(run) if kind == "han" else [run]
        found += [word for word in cut if word.casefold() not in _STOP_WORDS]
    return found


def characters(text: str) -> list[str]:
    """The single Chinese characters of a text, but for those that are stop-words.

    They find what a word list cannot: the same thing said with a longer, shorter or rarer word.
    """
    return [c for c in fold(text) if _HAS_HAN.match(c) and c not in CHINESE_STOP_WORDS]


def _cut_han(run: str) -> list[str]:
    """Words and numbers of a run of Chinese characters; long words also give their parts."""
    import rjieba

    found: list[str] = []
    at = 0
    for number in [*_CHINESE_NUMBER.finditer(run), None]:
        words = rjieba.cut_for_search(run[at : number.start() if number else len(run)])
        found.extend(_DIGIT_WORDS.get(w, w) for w in words if w not in CHINESE_STOP_WORDS)
        if number:
            found.append(_chinese_number(number.group()))
            at = number.end()
    return found


def _cut_number(piece: str) -> list[str]:
    return [piece.replace(",", "")]


def _cut_run(run: str) -> list[str]:
    """Kana and hangul have no word list here: overlapping pairs find any word."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


_CUTTERS: dict[str, Callable[[str], list[str]]] = {
    "han": _cut_han,
    "number": _cut_number,
    "run": _cut_run,
}


def _chinese_number(word: str) -> str:
    """`四十四` → `44`, `二〇一九` → `2019`."""
    if not any(character in _UNITS for character in word):
        return "".join(str(_DIGITS[character]) for character in word)
    total, digit = 0, 1 if word[0] == "十" else 0
    for character in word:
        if character in _UNITS:
            total, digit = total + digit * _UNITS[character], 0
        else:
            digit = _DIGITS[character]
    return str(total + digit)


@cache
def _stemmer() -> Callable[[str], str]:
    import snowballstemmer

    stem: Callable[[str], str] = snowballstemmer.stemmer("english").stemWord
    return stem


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    """Snowball's stem of the American spelling: lecturers and askers spell differently."""
    american = _AMERICAN.get(word) or _ISE.sub("z", _OUR.sub("or", word))
    stem = _stemmer()(american)
    return stem[:-1] if len(stem) > 5 and stem.endswith("ell") else stem  # modelling, modeling


@cache
def _converter() -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def _simplify(text: str) -> str:
    return _converter()(text)
