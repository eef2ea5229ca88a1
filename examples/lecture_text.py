"""What the sample lecture says and shows."""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "From a video to a cited answer 从视频到有出处的答案"


@dataclass(frozen=True)
class Said:
    """A spoken line in both languages; `pinyin` where it is spoken in Chinese."""

    english: str
    chinese: str
    pinyin: str = ""


@dataclass(frozen=True)
class Slide:
    """Title and points in both languages, and what is said meanwhile."""

    english: str
    chinese: str
    points: tuple[tuple[str, str], ...]
    lines: tuple[Said, ...]


SLIDES = (
    Slide(
        "Why a video needs an index",
        "视频为什么需要索引",
        (
            ("Easy to watch, hard to search", "看着容易，查起来难"),
            ("Speech + slides become passages", "讲话和幻灯片变成段落"),
            ("Video RAG: retrieve first, then answer", "视频 RAG：先检索，再回答"),
        ),
        (
            Said(
                "A recorded lecture is easy to watch and hard to search: "
                "nobody scrolls through an hour to find one sentence.",
                "录下来的讲座看着容易，查起来难：没有人愿意为了一句话拖完一小时的进度条。",
            ),
            Said(
                "Video retrieval augmented generation turns speech and slides into passages, "
                "finds the right ones, and lets a language model answer from them.",
                "视频检索增强生成把讲话和幻灯片变成段落，找出合适的几段，再让语言模型据此回答。",
            ),
            Said(
                "Let us follow one video from the file to the answer.",
                "让我们跟着一个视频，从文件一直走到答案。",
            ),
        ),
    ),
    Slide(
        "Subtitles keep the time",
        "字幕保留时间",
        (
            ("Subtitles first: exact to the millisecond", "先找字幕：精确到毫秒"),
            ("No subtitles? Speech recognition (ASR)", "没有字幕才用语音识别"),
            ("OCR reads what is only on the slide", "光学识别读出只写在幻灯片上的字"),
        ),
        (
            Said(
                "Look for subtitles first: each line says to the millisecond "
                "when it begins and when it ends.",
                "先找字幕：每一行都写着它什么时候开始，什么时候结束，精确到毫秒。",
                "xian1 zhao3 zi4 mu4. mei3 yi4 hang2 dou1 xie3 zhe5 ta1 shen2 me5 shi2 hou4 "
                "kai1 shi3, shen2 me5 shi2 hou4 jie2 shu4, jing1 que4 dao4 hao2 miao3.",
            ),
            Said(
                "Only without subtitles do we run speech recognition: "
                "it is far slower, and it mishears names and technical terms.",
                "没有字幕的时候才用语音识别：它慢得多，还会听错人名和术语。",
                "mei2 you3 zi4 mu4 de5 shi2 hou4 cai2 yong4 yu3 yin1 shi2 bie2. "
                "ta1 man4 de5 duo1, hai2 hui4 ting1 cuo4 ren2 ming2 he2 shu4 yu3.",
            ),
            Said(
                "Text on the slides is read by optical character recognition; "
                "it adds what was never said aloud.",
                "幻灯片上的文字由光学识别读出，补上讲话里没有说的内容。",
                "huan4 deng1 pian4 shang4 de5 wen2 zi4 you2 guang1 xue2 shi2 bie2 du2 chu1, "
                "bu3 shang4 jiang3 hua4 li3 mei2 you3 shuo1 de5 nei4 rong2.",
            ),
        ),
    ),
    Slide(
        "Chunking: one thought per passage",
        "切分：一段只讲一件事",
        (
            ("Cut at slide changes and long pauses", "在换页和长停顿处切分"),
            ("30 to 90 seconds per passage", "每段三十到九十秒"),
            ("Title and heading go in front", "标题和题目放在最前面"),
        ),
        (
            Said(
                "Cut at slide changes and long pauses, not after a fixed number of words, "
                "so that a passage holds one thought.",
                "在换页和长停顿处切分，而不是数够多少个词就切，这样一段只讲一件事。",
            ),
            Said(
                "Thirty to ninety seconds is a good length: shorter passages lose their context, "
                "longer ones blur the citation.",
                "三十到九十秒比较合适：太短会丢掉上下文，太长会让引用变得模糊。",
            ),
            Said(
                "Put the title of the video and the heading of the slide "
                "in front of every passage before it is indexed.",
                "建索引之前，把视频的标题和幻灯片的题目加在每一段的前面。",
            ),
        ),
    ),
    Slide(
        "Keyword search and vector search",
        "关键词检索与向量检索",
        (
            ("BM25 finds numbers, acronyms, function names", "BM25 擅长编号、缩写和函数名"),
            ("Vectors compare meaning: car = sedan", "向量比较意思：汽车就是轿车"),
            ("Reciprocal rank fusion joins both lists", "倒数排名融合合并两个列表"),
        ),
        (
            Said(
                "Keyword search is best at part numbers, abbreviations and function names, "
                "because it takes words literally.",
                "关键词检索最擅长找编号、缩写和函数名，因为它只认字面上的词。",
                "guan1 jian4 ci2 jian3 suo3 zui4 shan4 chang2 zhao3 bian1 hao4, suo1 xie3 he2 "
                "han2 shu4 ming2, yin1 wei4 ta1 zhi3 ren4 zi4 mian4 shang4 de5 ci2.",
            ),
            Said(
                "Vector search looks at the meaning: the user says car, the speaker says sedan, "
                "and the passage is still found.",
                "向量检索看的是意思：用户说汽车，讲者说轿车，照样找得到。",
                "xiang4 liang4 jian3 suo3 kan4 de5 shi4 yi4 si5. yong4 hu4 shuo1 qi4 che1, "
                "jiang3 zhe3 shuo1 jiao4 che1, zhao4 yang4 zhao3 de5 dao4.",
            ),
            Said(
                "Reciprocal rank fusion adds one over the rank from each list, "
                "so their scores need no tuning.",
                "倒数排名融合把每个列表里名次的倒数加起来，分数不用调。",
                "dao4 shu3 pai2 ming2 rong2 he2 ba3 mei3 ge4 lie4 biao3 li3 ming2 ci4 de5 "
                "dao4 shu3 jia1 qi3 lai2, fen1 shu4 bu2 yong4 tiao2.",
            ),
        ),
    ),
    Slide(
        "Message queues and idempotence",
        "消息队列与幂等",
        (
            ("At least once: the same job may come twice", "至少一次：同一个任务可能来两次"),
            ("Idempotent: run twice, same result", "幂等：运行两次，结果相同"),
            ("Output is named by the hash of its input", "用输入的哈希值给输出命名"),
        ),
        (
            Said(
                "Long jobs go through a message queue, "
                "and a queue may hand the same job to two workers.",
                "耗时的工作要经过消息队列，而队列可能把同一个任务交给两个工作进程。",
            ),
            Said(
                "An idempotent job can run twice and leave the same result: "
                "it names its output by the hash of its input.",
                "幂等的任务运行两次，结果也一样：它用输入的哈希值给输出命名。",
            ),
            Said(
                "So a crash costs a few minutes of work, and never a duplicate document.",
                "所以一次崩溃只损失几分钟的工作，绝不会多出一份重复的文档。",
            ),
        ),
    ),
    Slide(
        "Citations you can check",
        "可以核对的引用",
        (
            ("Every claim has a number [1]", "每个论断都有编号 [1]"),
            ("One click moves the player to that second", "点一下，播放器跳到那一秒"),
            ("No support found: say so, do not guess", "没有依据就直说，不要猜"),
        ),
        (
            Said(
                "Every claim carries a number, and the number points to a few seconds of video.",
                "每个论断后面都有编号，编号指向视频里的那几秒钟。",
                "mei3 ge4 lun4 duan4 hou4 mian4 dou1 you3 bian1 hao4, "
                "bian1 hao4 zhi3 xiang4 shi4 pin2 li3 de5 na4 ji3 miao3 zhong1.",
            ),
            Said(
                "Click on the citation and the player jumps there, "
                "so that readers can check for themselves.",
                "点一下引用，播放器就跳到那里，读者可以自己核对。",
                "dian3 yi2 xia4 yin3 yong4, bo1 fang4 qi4 jiu4 tiao4 dao4 na4 li5, "
                "du2 zhe3 ke3 yi3 zi4 ji3 he2 dui4.",
            ),
            Said(
                "When no support is found, the system should admit it instead of guessing.",
                "如果找不到依据，系统应该承认不知道，而不是猜。",
                "ru2 guo3 zhao3 bu2 dao4 yi1 ju4, xi4 tong3 ying1 gai1 cheng2 ren4 "
                "bu4 zhi1 dao4, er2 bu2 shi4 cai1.",
            ),
        ),
    ),
)
