// The page's words, in English and Chinese. Words of videos are never translated.

const WORDS = {
  en: {
    skip: "Skip to the question",
    logout: "Log out",
    loginTitle: "Log in",
    loginHelp: "This library is protected. Paste your API key; whoever runs the server makes one with “video-rag keys add”.",
    apiKey: "API key",
    login: "Log in",
    askLead: "What would you like to know?",
    askPlaceholder: "Ask the videos a question…",
    ask: "Ask",
    search: "Search",
    result: "Result",
    collection: "Collection",
    allCollections: "All collections",
    library: "Library",
    filter: "Filter by title",
    state: "State",
    allStates: "All states",
    ready: "ready",
    working: "working",
    waiting: "waiting",
    failed: "failed",
    queued: "queued",
    done: "done",
    add: "Add a video",
    addPlaceholder: "Web address of a video or playlist",
    addPlaceholderAdmin: "Web address, or a path on the server",
    addNow: "Add",
    more: "Show more",
    video: "Video",
    close: "Close",
    dismiss: "Dismiss",
    cancelled: "cancelled",
    cancel: "Cancel",
    videosDone: "{many} done",
    ask_add: "",
    ask_retry: "Try again:",
    ask_check: "Look at",
    ask_publish: "Publish to",
    ask_export: "Export",
    stage_fetch: "fetching",
    stage_listen: "listening",
    stage_look: "finding slides",
    stage_read: "reading slides",
    stage_compose: "composing",
    stage_save: "saving",
    stage_publish: "publishing",
    work: "Work",
    atWork: "{many} at work",
    stagesWait: "{many} stages wait",
    oldest: "the oldest for {time}",
    perHour: "{many} videos an hour",
    failures: "{many} failed",
    route: "route",
    readyNow: "ready",
    later: "later",
    onQueue: "on the queue",
    workers: "workers",
    failure: "failure",
    videosNumber: "videos",
    triedAgain: "tried again",
    retry: "Try again",
    remove: "Remove",
    removeSure: "Remove “{title}” from the library? Its own files stay.",
    emptyTitle: "The library is empty",
    emptyHelp: "Add a video, a folder or a web address on the command line, then reload:",
    emptyExample: "video-rag add talk.mp4",
    noMatch: "No video fits this filter.",
    badLink: "This link is broken: it names no video.",
    thinking: "Looking through the videos…",
    citations: "Where it is said",
    hits: "Passages found",
    noHits: "No passage fits. Try other words.",
    refused: "The videos do not answer this.",
    byModel: "Written by {model}; every claim was checked against its passage.",
    byNobody: "Quoted from the videos; no language model was used.",
    offline: "The server cannot be reached. Is it still running?",
    cut: "The answer broke off. Please ask again.",
    transcript: "Transcript",
    slides: "Slides",
    noTranscript: "There is no text of this video yet.",
    noMedia: "The video file is not here: slides and text only.",
    noPlay: "Your browser cannot play this file.",
    openSource: "Open the source",
    slideAt: "Slide at {time}",
    notes: "Notes",
    sidecar: "subtitle file",
    embedded: "subtitles in the video",
    platform: "subtitles of the platform",
    "platform-auto": "automatic subtitles",
    asr: "speech recognition",
  },
  zh: {
    skip: "跳到提问框",
    logout: "退出",
    loginTitle: "登录",
    loginHelp: "此资料库需要登录。请粘贴 API 密钥；服务器管理员可用 “video-rag keys add” 创建。",
    apiKey: "API 密钥",
    login: "登录",
    askLead: "想了解什么？",
    askPlaceholder: "向视频提问……",
    ask: "提问",
    search: "搜索",
    result: "结果",
    collection: "合集",
    allCollections: "全部合集",
    library: "资料库",
    filter: "按标题筛选",
    state: "状态",
    allStates: "全部状态",
    ready: "就绪",
    working: "处理中",
    waiting: "等待重试",
    failed: "失败",
    queued: "排队中",
    done: "完成",
    add: "添加视频",
    addPlaceholder: "视频或播放列表的网址",
    addPlaceholderAdmin: "网址，或服务器上的路径",
    addNow: "添加",
    more: "显示更多",
    video: "视频",
    close: "关闭",
    dismiss: "知道了",
    cancelled: "已取消",
    cancel: "取消",
    videosDone: "已完成 {many} 个",
    ask_add: "",
    ask_retry: "重试：",
    ask_check: "检查",
    ask_publish: "发布到",
    ask_export: "导出",
    stage_fetch: "获取",
    stage_listen: "听写",
    stage_look: "查找幻灯片",
    stage_read: "识别幻灯片",
    stage_compose: "成文",
    stage_save: "保存",
    stage_publish: "发布",
    work: "工作情况",
    atWork: "{many} 个进行中",
    stagesWait: "{many} 个步骤等待",
    oldest: "最早的已等 {time}",
    perHour: "每小时 {many} 个视频",
    failures: "{many} 个失败",
    route: "通道",
    readyNow: "可执行",
    later: "稍后重试",
    onQueue: "队列中",
    workers: "工作进程",
    failure: "失败类型",
    videosNumber: "视频数",
    triedAgain: "将重试",
    retry: "重试",
    remove: "移除",
    removeSure: "从资料库移除“{title}”？原文件会保留。",
    emptyTitle: "资料库还是空的",
    emptyHelp: "请在命令行添加视频、文件夹或网址，然后刷新：",
    emptyExample: "video-rag add talk.mp4",
    noMatch: "没有符合筛选条件的视频。",
    badLink: "这个链接坏了：它没有指明任何视频。",
    thinking: "正在查找视频……",
    citations: "出处",
    hits: "找到的片段",
    noHits: "没有找到相关片段，请换个说法。",
    refused: "这些视频没有回答这个问题。",
    byModel: "由 {model} 撰写；每个论断都已与原文核对。",
    byNobody: "摘自视频原文，未使用语言模型。",
    offline: "无法连接服务器，它还在运行吗？",
    cut: "回答中断了，请重新提问。",
    transcript: "文字稿",
    slides: "幻灯片",
    noTranscript: "这个视频还没有文字。",
    noMedia: "视频文件不在这里，仅显示幻灯片和文字。",
    noPlay: "浏览器无法播放此文件。",
    openSource: "打开来源",
    slideAt: "{time} 处的幻灯片",
    notes: "说明",
    sidecar: "字幕文件",
    embedded: "视频内字幕",
    platform: "平台字幕",
    "platform-auto": "自动字幕",
    asr: "语音识别",
  },
};

const KEPT = "video-rag-language";
const wished = localStorage.getItem(KEPT) ?? navigator.language;
let language = wished.toLowerCase().startsWith("zh") ? "zh" : "en";

/** The words for a key, with `{name}`s filled in. */
export function t(key, values = {}) {
  const words = WORDS[language][key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const current = () => language;

/** The other language, from now on. */
export function switchLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem(KEPT, language);
}

/** A language's own name: `zh` → `Chinese`. */
export function languageName(tag) {
  if (!tag || tag === "und") return "";
  try {
    return new Intl.DisplayNames([language], { type: "language" }).of(tag);
  } catch {
    return tag;
  }
}

/** Put the words into everything that names them in `data-t`. */
export function translate(root = document) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-placeholder]")) {
    node.placeholder = t(node.dataset.tPlaceholder);
  }
  for (const node of root.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
  }
}
