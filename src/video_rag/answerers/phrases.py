"""What answerers say themselves, in the language of the question."""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["en", "zh"]

PHRASES: dict[str, dict[Language, str]] = {
    "refusal": {
        "en": "Nothing in the library answers this. "
        "Try words that are said or shown in the videos, or add a video about it.",
        "zh": "资料库中没有能回答这个问题的内容。"
        "请换用视频里说过或展示过的词语，或先添加相关视频。",
    },
    "looked_for": {"en": "Looked for: {words}.", "zh": "检索的词语：{words}。"},
    "comma": {"en": ", ", "zh": "、"},
    "nearest": {
        "en": "The nearest passages, which may be about something else:",
        "zh": "最接近的片段，但可能说的是别的内容：",
    },
    "corrected": {
        "en": "Nobody says “{word}” here; looked for “{meant}”.",
        "zh": "这里没有人说“{word}”；已改为检索“{meant}”。",
    },
    "last_words": {
        "en": "Answer from the passages with their numbers, such as [2]; "
        "if they do not say it: There is no answer in the library.\nQuestion: ",
        "zh": "根据片段回答并注明编号，例如 [2]；片段没有说到就写：资料库中没有答案。\n问题：",
    },
    "pointed": {
        "en": "The model only named passages. This is what they say, in quotes:",
        "zh": "模型只给出了片段编号。以下是这些片段的原话：",
    },
    "declined": {
        "en": "The model found no answer. Quotes that speak about the question:",
        "zh": "模型没有找到答案。以下是与问题有关的原话：",
    },
    "unsupported": {
        "en": "What the model wrote is left out: no passage supports it. "
        "Quotes that speak about the question:",
        "zh": "模型所写的内容没有片段支持，已略去。以下是与问题有关的原话：",
    },
    "left_out_one": {
        "en": "(One sentence of the model is left out: no passage supports it.)",
        "zh": "（模型写的 1 句话没有片段支持，已略去。）",
    },
    "left_out": {
        "en": "({count} sentences of the model are left out: no passage supports them.)",
        "zh": "（模型写的 {count} 句话没有片段支持，已略去。）",
    },
    "empty": {
        "en": "There is no question here. Ask about something that is said or shown in the videos.",
        "zh": "没有看到问题。请就视频中说过或展示过的内容提问。",
    },
    "greeting": {
        "en": "Hello! Ask me about the videos in this library; "
        "I answer with links to the moments that say so.",
        "zh": "你好！请就资料库中的视频提问，我的回答会附上视频中的出处和时间。",
    },
    "thanks": {
        "en": "You are welcome. Ask on whenever you like.",
        "zh": "不客气，欢迎继续提问。",
    },
    "meta": {
        "en": "I answer questions from the videos in this library and cite the moments that "
        "support each statement. What is said in none of them I do not answer.",
        "zh": "我根据资料库中的视频回答问题，并为每句话注明视频出处和时间；"
        "视频中没有的内容我不作回答。",
    },
}


def phrase(name: str, question: str) -> str:
    """A sentence in the language that the question is written in."""
    return PHRASES[name][language_of(question)]


def language_of(question: str) -> Language:
    """`zh` when a question has any Chinese character, else `en`.

    One is enough: Chinese questions are full of names and formulas in Latin letters, while English
    ones hardly ever hold a Chinese word.
    """
    return "zh" if re.search(r"[\u3400-\u9fff]", question) else "en"
