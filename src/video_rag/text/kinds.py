"""What kind of word Chinese characters are: whether a dictionary takes them for a name."""

from __future__ import annotations

_SURNAMES = frozenset(
    "王李张張刘劉陈陳杨楊赵趙黄黃周吴吳徐孙孫胡朱高林何郭马馬罗羅梁宋郑鄭谢謝韩韓唐冯馮于董萧蕭程曹袁邓鄧"
    "许許傅沈曾彭吕呂苏蘇卢盧蒋蔣蔡贾賈丁魏薛叶葉阎閻余潘杜戴夏钟鍾汪田任姜范方石姚谭譚廖邹鄒熊金陆陸"
    "郝孔白崔康毛邱秦江史顾顧侯邵孟龙龍万萬段雷钱錢汤湯尹黎易常武乔喬贺賀赖賴龚龔文"
)


def may_be_name(text: str) -> bool:
    """Whether a word of two to four characters is a person's name, or no word that is known."""
    import rjieba

    kinds = [kind for _, kind in rjieba.tag(text)]
    if all(kind.startswith("nr") for kind in kinds):
        return True
    return len(kinds) > 1 and not rjieba.has_word(text) and text[0] in _SURNAMES
