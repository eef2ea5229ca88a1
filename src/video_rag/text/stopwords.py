"""Words that stand in every text: they say little, unless they are names (`Go`, `WHO`)."""

from __future__ import annotations


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

STOP_WORDS = ENGLISH_STOP_WORDS | CHINESE_STOP_WORDS
