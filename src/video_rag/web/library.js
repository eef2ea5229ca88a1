// The list of videos: states, failures with their remedy, a filter, adding.

import { api } from "./api.js";
import { $, clock, el, momentOf } from "./dom.js";
import { languageName, t } from "./i18n.js";
import { draw } from "./work.js";

const STATES = ["ready", "working", "queued", "waiting", "failed"];
const FIRST = 100;
const MOST = 1000; // rows that the server gives at once
const NEWEST = 200; // requests that were dismissed and are remembered
const TYPING = 250; // ms of rest before what was typed is looked for
const SOON = 1000; // ms, while something is at work
const LATER = 30000; // ms

let videos = null;
let fitting = 0; // videos that fit the filter, shown or not
let all = 0; // videos in the library, as last seen
let collections = {}; // how many videos each has
let requests = [];
let status = null;
let asked = 0; // of several answers only the one asked for last counts
let typing = 0;
const NEWS = 24 * 3600; // seconds for which a request that failed is told of
const dismissed = new Set(JSON.parse(localStorage.getItem("dismissed") ?? "[]"));
let most = FIRST;
let open = "";
let may = "read";
let timer = 0;
let onRefused = () => {};

export function start(role, refused) {
  [may, onRefused] = [role, refused];
  $("add").hidden = may === "read";
  return refresh();
}

export function stop() {
  clearTimeout(timer);
  timer = 0;
}

/** Read the list anew now, and again: soon while something is at work. */
export async function refresh() {
  stop();
  let isBusy = true;
  try {
    const mine = ++asked;
    const found = await Promise.all([api.videos(wanted()), api.requests(), api.collections(),
      api.status().catch(() => null)]); // a list without it is a list
    if (mine !== asked) return;
    [[videos, fitting], requests, collections, status] = found;
    problem("");
    isBusy = status?.at_work.length > 0
      || [...videos, ...requests].some(({ state }) => state === "working" || state === "queued");
  } catch (error) {
    if (error.status === 401) return onRefused();
    problem(error.status === 0 ? t("offline") : `${error.message}\n${error.hint}`);
  }
  show();
  stop();
  timer = setTimeout(() => (document.hidden ? later() : refresh()), isBusy ? SOON : LATER);
}

const wanted = () => ({ limit: Math.min(most, MOST), text: $("filter").value.trim(),
  state: $("state").value, collection: $("collection").value });

function later() {
  document.addEventListener("visibilitychange", () => refresh(), { once: true });
}

/** Mark the video that is open. */
export function mark(videoId) {
  open = videoId;
  for (const row of $("videos").children) {
    row.classList.toggle("open", row.dataset.id === videoId);
  }
}

/** Draw the list as it is now. */
export function show() {
  options();
  $("url").placeholder = t(may === "admin" ? "addPlaceholderAdmin" : "addPlaceholder");
  if (!videos) return;
  const isFiltered = $("filter").value.trim() || $("state").value || $("collection").value;
  if (!isFiltered) all = fitting;
  $("count").textContent = isFiltered ? `${fitting} / ${all}` : fitting;
  $("videos").replaceChildren(...videos.map(videoRow));
  $("more").hidden = fitting <= videos.length || most >= MOST;
  draw(status);
  $("requests").replaceChildren(...requests.filter(isNews).map(requestRow));
  $("empty").hidden = videos.length > 0;
  $("empty").replaceChildren(...(isFiltered ? [el("p", { textContent: t("noMatch") })] : advice()));
}

function options() {
  const keep = (select, rows) => {
    const chosen = select.value;
    select.replaceChildren(...rows.map(([value, words]) => el("option", { value, textContent: words })));
    select.value = rows.some(([value]) => value === chosen) ? chosen : "";
  };
  keep($("state"), [["", t("allStates")], ...STATES.map((state) => [state, t(state)])]);
  const names = Object.keys(collections);
  keep($("collection"), [["", t("allCollections")], ...names.map((name) => [name, name])]);
  $("collection").hidden = names.length < 2;
}

function advice() {
  return [el("h3", { textContent: t("emptyTitle") }), el("p", { textContent: t("emptyHelp") }),
    el("pre", {}, el("code", { textContent: t("emptyExample") }))];
}

function videoRow(video) {
  const facts = [video.duration ? clock(video.duration) : "", languageName(video.language),
    ...video.collections.filter((name) => name !== "default")].filter(Boolean).join(" · ");
  const row = el("li", { className: "video", "data-id": video.video_id },
    el("a", { className: "video-link", href: momentOf(video.video_id, 0).split("?")[0] },
      el("span", { className: "video-title", textContent: video.title }),
      el("span", { className: "video-facts", textContent: facts })),
    el("span", { className: `state ${video.state}`, textContent: t(video.state) }),
    may === "read" ? null : actions(video),
    video.failures.length ? el("div", { className: "failures" }, video.failures.map(failure)) : null);
  row.classList.toggle("open", video.video_id === open);
  return row;
}

function failure({ message, hint }) {
  return el("p", {}, el("span", { textContent: message }),
    hint ? el("span", { className: "hint", textContent: hint }) : null);
}

function actions(video) {
  const remove = el("button", { type: "button", className: "quiet small", textContent: "×",
    title: t("remove"), "aria-label": `${t("remove")}: ${video.title}`, onclick: () => removeVideo(video) });
  if (!video.failures.length) return el("span", { className: "actions" }, remove);
  const again = el("button", { type: "button", className: "quiet small", textContent: t("retry"),
    onclick: () => act(() => api.retry(video.video_id)) });
  return el("span", { className: "actions" }, again, remove);
}

function removeVideo(video) {
  if (!confirm(t("removeSure", { title: video.title }))) return;
  if (video.video_id === open) location.hash = "#/";
  act(() => api.remove(video.video_id));
}

async function act(what) {
  try {
    await what();
    await refresh();
    return true;
  } catch (error) {
    if (error.status === 401) onRefused();
    problem(`${error.message}\n${error.hint}`);
    return false;
  }
}

function problem(words) {
  $("library-problem").textContent = words;
  $("library-problem").hidden = !words;
}

const isOpen = ({ state }) => state === "queued" || state === "working";

// A video that failed shows its own failure; only what did not become a video is told here.
const isNews = (request) => isOpen(request) || (request.state === "failed" && !dismissed.has(request.request_id)
  && Date.now() / 1000 - request.ended < NEWS && request.failures.some(isOfNoVideo));
const isOfNoVideo = ({ about }) => !all || !videos.some(({ video_id }) => video_id === about);

function dismiss({ request_id }) {
  dismissed.add(request_id);
  localStorage.setItem("dismissed", JSON.stringify([...dismissed].slice(-NEWEST)));
  show();
}

function requestRow(request) {
  const title = [t(`ask_${request.kind}`), request.about].filter(Boolean).join(" ");
  return el("li", { className: "video", "data-id": request.request_id },
    el("span", { className: "video-link" },
      el("span", { className: "video-title", textContent: title }),
      el("span", { className: "video-facts", textContent: howFar(request) })),
    el("span", { className: `state ${request.state}`, textContent: t(request.state) }),
    may === "read" ? null : requestAction(request),
    request.stage && isOpen(request) ? el("progress", { className: "share", max: 1, value: request.share,
      "aria-label": howFar(request) }) : null,
    request.failures.length ? el("div", { className: "failures" }, request.failures.map(failure)) : null);
}

/** The stage that works for a request, of which video, and its per cent. */
function howFar({ video_id, stage, share, note, video_ids }) {
  if (!stage) return "";
  const title = videos.find((video) => video.video_id === video_id)?.title ?? "";
  const name = t(`stage_${stage.split("@")[0]}`);
  const done = video_ids.length ? t("videosDone", { many: video_ids.length }) : "";
  return [done, title, `${name} ${Math.round(share * 100)} %`, note].filter(Boolean).join(" · ");
}

function requestAction(request) {
  const [words, act_] = isOpen(request) ? ["cancel", () => act(() => api.cancel(request.request_id))]
    : ["dismiss", () => dismiss(request)];
  return el("button", { type: "button", className: "quiet small", textContent: "×",
    title: t(words), "aria-label": `${t(words)}: ${request.about}`, onclick: act_ });
}

$("filter").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(choose, TYPING);
});
$("state").addEventListener("change", choose);
$("collection").addEventListener("change", choose);
$("more").addEventListener("click", () => {
  most = Math.min(most + FIRST * 3, MOST);
  refresh();
});

function choose() {
  most = FIRST;
  refresh();
}

$("add-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const url = $("url").value.trim();
  if (url && (await act(() => api.add(url, $("collection").value)))) $("url").value = "";
});
