// One video: the player (or slides and text, when its file is not here) and what was said.

import { foundAt, problemBox } from "./answer.js";
import { api } from "./api.js";
import { $, clock, el, indexAt, momentOf, webAddress } from "./dom.js";
import { languageName, t } from "./i18n.js";

const QUIET = 4000; // ms without following after the reader scrolled by hand

let video = null; // as the API gives it
let player = null; // <video>, <audio> or null
let now = 0; // seconds
let translated = ""; // language of the translation shown, or "" for the main one
let segments = [];
let slides = [];
let lines = [];
let scrolledAt = 0;

/** Show a video at a moment; the one that is open only jumps. */
export async function open(videoId, seconds, { play = false, onProblem } = {}) {
  if (video?.video_id !== videoId) {
    close();
    const wanted = (video = { video_id: videoId });
    try {
      const found = await api.video(videoId);
      if (video !== wanted) return; // another was opened meanwhile
      video = found;
    } catch (error) {
      if (video !== wanted) return;
      video = null;
      onProblem(error);
      $("viewer").replaceChildren(head(videoId), problemBox({ error: error.message, hint: error.hint }));
      $("viewer").hidden = false;
      return;
    }
    translated = "";
    draw();
  }
  speakAsFound(seconds);
  jump(seconds, play);
}

/** Show the transcript in the language of the words that were found at this moment. */
function speakAsFound(seconds) {
  const words = foundAt(video.video_id, seconds)?.words;
  if (!words) return;
  const isSpoken = (language) => {
    const said = linesOf(language);
    const text = said[indexAt(said, seconds)]?.text.trim();
    return text && words.includes(text);
  };
  if (!isSpoken(translated)) setLanguage(languagesOf().find(isSpoken) ?? translated);
}

export function close() {
  player?.pause();
  [video, player, now] = [null, null, 0];
  $("viewer").replaceChildren();
  $("viewer").hidden = true;
}

/** Say why nothing can be shown. */
export function refuse(words) {
  close();
  $("viewer").replaceChildren(head(""), problemBox({ error: words, hint: "" }));
  $("viewer").hidden = false;
}

/** Draw again in the page's language, at the same moment. */
export function redraw() {
  if (!video?.sections) return;
  const [at, isPlaying] = [now, player && !player.paused];
  draw();
  jump(at, isPlaying);
}

/** Go to a moment. */
export function jump(seconds, play = false) {
  const at = Math.max(0, seconds);
  if (player) seek(player, at, play);
  tick(at, true);
}

/** Play or pause, or move by some seconds. */
export function toggle() {
  if (player) player.paused ? player.play().catch(() => {}) : player.pause();
}

export const move = (seconds) => video && jump(now + seconds, player && !player.paused);

function seek(media, at, play) {
  const go = () => {
    media.currentTime = at;
    if (play) media.play().catch(() => {}); // browsers may refuse sound before a click
  };
  if (media.readyState >= HTMLMediaElement.HAVE_METADATA) go();
  else media.addEventListener("loadedmetadata", go, { once: true });
}

const sectionsOf = (language) =>
  language ? video.translations.filter((section) => section.language === language) : video.sections;
const linesOf = (language) => sectionsOf(language).flatMap((section) => section.segments);
const languagesOf = () => ["", ...new Set(video.translations.map((section) => section.language))];

function setLanguage(language) {
  if (language === translated) return;
  translated = language;
  $("viewer").querySelector(".transcript").replaceWith(transcript());
  tick(now, true);
}

function draw() {
  slides = video.sections.flatMap((section) => section.slides);
  $("viewer").replaceChildren(head(video.title), stage(), facts(), strip(), transcript());
  $("viewer").hidden = false;
}

function head(title) {
  return el("div", { className: "viewer-head" }, el("h2", { textContent: title }),
    el("a", { className: "quiet button", href: "#/", textContent: t("close") }));
}

function stage() {
  if (!video.media) {
    player = null;
    return still(t("noMedia"));
  }
  player = el(video.media.kind === "audio" ? "audio" : "video", {
    controls: true, preload: "metadata", playsInline: true, src: api.media(video.video_id),
    ontimeupdate: ({ target }) => target === player && tick(target.currentTime), // a closed one speaks late
  });
  player.append(...video.tracks.map((track) => el("track", { kind: "subtitles", srclang: track.language,
    label: languageName(track.language) || track.language, src: api.subtitles(video.video_id, track.number) })));
  player.addEventListener("error", failed, { once: true });
  return el("div", { className: `stage ${video.media.kind}` }, player);
}

function failed() {
  player = null;
  $("viewer").querySelector(".stage")?.replaceWith(still(t("noPlay")));
  tick(now, true);
}

function still(words) {
  return el("div", { className: "stage still" },
    slides.length ? el("img", { id: "still", alt: "" }) : null,
    el("p", { className: "still-words", id: "still-words" }),
    el("p", { className: "fine" }, words, " ",
      el("a", { id: "source", target: "_blank", rel: "noopener noreferrer", textContent: t("openSource"), hidden: true })));
}

function facts() {
  const origin = video.tracks[0] ? t(video.tracks[0].origin) : "";
  const words = [video.channel, video.published, video.duration ? clock(video.duration) : "", origin];
  return el("div", { className: "facts" },
    el("p", { className: "fine", textContent: words.filter(Boolean).join(" · ") }),
    video.failures.map((failure) => problemBox({ error: failure.message, hint: failure.hint })),
    video.notes.length ? el("details", { className: "fine" }, el("summary", { textContent: t("notes") }),
      el("ul", {}, video.notes.map((note) => el("li", { textContent: note })))) : null);
}

function strip() {
  if (!slides.length) return "";
  return el("div", { className: "strip", id: "strip", role: "group", "aria-label": t("slides") },
    slides.map((slide) => el("a", { className: "slide", href: momentOf(video.video_id, slide.start),
      title: slide.text, "aria-label": t("slideAt", { time: clock(slide.start) }) },
      el("img", { src: api.image(slide.image), alt: slide.text, loading: "lazy" }),
      el("span", { textContent: clock(slide.start) }))));
}

function transcript() {
  segments = linesOf(translated);
  const list = el("div", { className: "lines", id: "lines", onwheel: rest, ontouchmove: rest, onkeydown: walk });
  lines = [];
  for (const section of sectionsOf(translated)) {
    if (section.heading) list.append(el("h4", { textContent: section.heading }));
    for (const segment of section.segments) lines.push(list.appendChild(line(segment)));
  }
  if (lines[0]) lines[0].tabIndex = 0;
  else list.append(el("p", { className: "thinking", textContent: t("noTranscript") }));
  const bar = el("div", { className: "lines-head" }, el("h3", { textContent: t("transcript") }), languages());
  return el("section", { className: "transcript" }, bar, list);
}

function line(segment) {
  return el("a", { className: "line", tabIndex: -1, href: momentOf(video.video_id, segment.start) },
    el("span", { className: "line-time", textContent: clock(segment.start) }),
    el("span", { textContent: segment.speaker ? `${segment.speaker}: ${segment.text}` : segment.text }));
}

function languages() {
  const choices = languagesOf();
  if (choices.length < 2) return "";
  const name = (tag) => languageName(tag) || tag;
  const select = el("select", { "aria-label": t("transcript"), onchange: () => setLanguage(select.value) },
    choices.map((tag) => el("option", { value: tag, textContent: name(tag || video.sections[0]?.language) })));
  select.value = translated;
  return select;
}

const rest = () => {
  scrolledAt = Date.now();
};

/** Arrow keys walk through the lines; Enter goes there, as with any link. */
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const next = step && lines[lines.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  rest();
  next.focus();
}

/** The moment changed: follow it in text, slides and picture. */
function tick(seconds, isJump = false) {
  now = seconds;
  if (isJump) scrolledAt = 0;
  const at = indexAt(segments, now);
  if (choose(lines, at, isJump) && Date.now() - scrolledAt > QUIET) follow($("lines"), lines[at], "top");
  const shown = indexAt(slides, now);
  const pictures = [...($("strip")?.children ?? [])];
  if (choose(pictures, shown, isJump)) follow($("strip"), pictures[shown], "left");
  if (!player) showStill(at, Math.max(shown, 0));
}

function choose(items, index, isJump) {
  const chosen = items[index];
  if (!isJump && (!chosen || chosen.ariaCurrent === "true")) return false;
  for (const item of items) {
    item.ariaCurrent = item === chosen ? "true" : null;
    if (item.classList.contains("line")) item.tabIndex = item === chosen ? 0 : -1;
  }
  if (!chosen && items[0]?.classList.contains("line")) items[0].tabIndex = 0;
  return Boolean(chosen);
}

/** Scroll the box, never the page. */
function follow(box, item, side) {
  const [outer, inner] = [box.getBoundingClientRect(), item.getBoundingClientRect()];
  const size = side === "top" ? "height" : "width";
  const by = inner[side] - outer[side] - (outer[size] - inner[size]) / 3;
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  box.scrollBy({ [side]: by, behavior });
}

function showStill(at, shown) {
  if ($("still")) $("still").src = api.image(slides[shown].image);
  if ($("still-words")) $("still-words").textContent = segments[at]?.text ?? "";
  const link = webAddress(foundAt(video.video_id, now)?.url) || webAddress(video.source);
  if ($("source")) [$("source").href, $("source").hidden] = [link, !link];
}
