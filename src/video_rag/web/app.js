// The page: who is here, which video is open, and the parts that show it.

import * as answer from "./answer.js";
import { api } from "./api.js";
import { $ } from "./dom.js";
import { current, switchLanguage, t, translate } from "./i18n.js";
import * as library from "./library.js";
import * as viewer from "./viewer.js";

let isIn = false;
let hasClicked = false; // a moment that was clicked plays; one that was opened from outside waits

async function begin() {
  try {
    const me = await api.whoAmI();
    isIn = true;
    $("who").textContent = me.name;
    $("logout").hidden = !me.name;
    $("login").hidden = true;
    $("desk").hidden = false;
    await library.start(me.role, leave);
    route();
  } catch (error) {
    leave(error);
  }
}

/** Show the login; also when a key was revoked meanwhile. */
function leave(error) {
  isIn = false;
  library.stop();
  viewer.close();
  $("desk").hidden = true;
  $("login").hidden = false;
  $("logout").hidden = true;
  $("who").textContent = "";
  if (error && error.status !== 401) complain(error);
  $("key").focus();
}

function complain(error) {
  $("login-problem").hidden = !error;
  if (error) $("login-problem").textContent = error.status === 0 ? t("offline") : `${error.message}\n${error.hint}`;
}

/** `#/video/<id>?t=12.3` opens a video, anything else none. */
function route() {
  if (!isIn) return;
  const [path, query] = location.hash.slice(1).split("?");
  const name = path.match(/^\/video\/(.+)$/)?.[1];
  document.body.classList.toggle("viewing", Boolean(name));
  const play = hasClicked;
  hasClicked = false;
  if (!name) {
    viewer.close();
    library.mark("");
    return;
  }
  const videoId = decoded(name);
  if (videoId === null) {
    viewer.refuse(t("badLink"));
    library.mark("");
    return;
  }
  const seconds = Number.parseFloat(new URLSearchParams(query).get("t")) || 0;
  library.mark(videoId);
  viewer.open(videoId, seconds, { play, onProblem: (error) => error.status === 401 && leave() });
}

/** What a link names; null for one that was broken, such as `%E0%A4%A`. */
function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}

function translateAll() {
  translate();
  $("switch").textContent = current() === "en" ? "中文" : "English";
  $("switch").lang = current() === "en" ? "zh" : "en";
  library.show();
  answer.show();
  viewer.redraw();
}

function submit(event) {
  event.preventDefault();
  const question = $("question").value.trim();
  if (question) answer.find(event.submitter?.value ?? "ask", question, $("collection").value, leave);
}

/** Enter asks; Shift+Enter starts a line. An Enter that chooses Chinese characters does neither. */
function onQuestionKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("ask-form").requestSubmit($("ask-form").querySelector("[value=ask]"));
}

function grow() {
  const box = $("question");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 200)}px`;
}

function onKey(event) {
  const isTyping = event.target.closest?.("input, textarea, select, video, audio");
  if (event.key === "Escape" && document.body.classList.contains("viewing")) location.hash = "#/";
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !isIn) return;
  const deeds = { "/": () => $("question").focus(), k: viewer.toggle, j: () => viewer.move(-10), l: () => viewer.move(10) };
  if (!deeds[event.key]) return;
  event.preventDefault();
  deeds[event.key]();
}

/** A moment that is open already is jumped to again, though the address stays the same. */
function onClick(event) {
  const link = event.target.closest?.("a[href^='#/video/']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  hasClicked = link.getAttribute("href").includes("?t=");
  if (link.hash === location.hash) route();
}

$("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await api.logIn($("key").value);
    $("key").value = "";
    complain(null);
    await begin();
  } catch (error) {
    complain(error);
  }
});
$("logout").addEventListener("click", async () => {
  await api.logOut().catch(() => {});
  location.reload();
});
$("switch").addEventListener("click", () => {
  switchLanguage();
  translateAll();
});
$("ask-form").addEventListener("submit", submit);
$("question").addEventListener("keydown", onQuestionKey);
$("question").addEventListener("input", grow);
document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
addEventListener("hashchange", route);
translateAll();
begin();
