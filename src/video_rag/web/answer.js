// Asking and searching: the streamed answer, its citations, the passages found.

import { api } from "./api.js";
import { $, clock, el, momentOf, span } from "./dom.js";
import { current, languageName, t } from "./i18n.js";

let running = null;
let shown = null; // what stands in the result: {kind, question, text, answer, hits, problem}

let drawn = []; // as it was drawn last

const found = new Map();

/** What was found at this moment of a video: its words, and its link for when the file is not here. */
export const foundAt = (videoId, seconds) => found.get(`${videoId}@${seconds.toFixed(1)}`);

/** Ask or search, and show what comes; an earlier one that still runs is dropped. */
export async function find(kind, question, collection, onProblem) {
  running?.abort();
  const mine = (running = new AbortController());
  shown = { kind, question, text: "" };
  show();
  try {
    if (kind === "search") shown.hits = await api.search(question, collection, mine.signal);
    else await stream(question, collection, mine);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 401) onProblem(error);
    shown.problem = { error: error.status === 0 ? t("offline") : error.message, hint: error.hint };
  }
  if (mine === running) {
    running = null;
    show();
  }
}

async function stream(question, collection, mine) {
  for await (const [name, data] of api.ask(question, collection, mine.signal)) {
    if (name === "delta") shown.text += data.text;
    else if (name === "done") shown.answer = data;
    else shown.problem = data;
    show();
  }
  if (!shown.answer && !shown.problem) shown.problem = { error: t("cut"), hint: "" };
}

/** Draw the result as it is now. */
export function show() {
  const box = $("result");
  box.hidden = !shown;
  if (!shown) return;
  box.setAttribute("aria-busy", String(Boolean(running)));
  const state = [shown, shown.text, shown.answer, shown.problem, shown.hits, current()];
  if (state.every((value, place) => value === drawn[place])) return; // a link keeps the focus
  drawn = state;
  const parts = [el("h2", { className: "question", textContent: shown.question })];
  if (shown.problem) parts.push(problemBox(shown.problem));
  else if (shown.answer) parts.push(...wholeAnswer(shown.answer));
  else if (shown.hits) parts.push(...hitList(shown.hits));
  else parts.push(partAnswer(shown.text));
  box.replaceChildren(...parts);
}

export function problemBox({ error, hint }) {
  return el("div", { className: "problem", role: "alert" }, el("p", { textContent: error }),
    hint ? el("p", { className: "hint", textContent: hint }) : null);
}

function partAnswer(text) {
  if (!text) return el("p", { className: "thinking", textContent: t("thinking") });
  return el("div", { className: "answer streaming" }, ...written(text, new Map()));
}

function wholeAnswer(answer) {
  const byNumber = new Map(answer.citations.map((citation) => [citation.number, citation]));
  const text = endsInQuotes(answer) ? beforeQuotes(answer.answer) : answer.answer;
  const words = el("div", { className: "answer" }, ...written(text, byNumber));
  if (answer.refused) words.classList.add("refused");
  const parts = text ? [words] : [];
  if (answer.citations.length) {
    parts.push(el("h3", { textContent: t("citations") }),
      el("ol", { className: "moments" }, answer.citations.map(citationCard)));
    const by = answer.model ? t("byModel", { model: answer.model }) : t("byNobody");
    parts.push(el("p", { className: "fine", textContent: by }));
  }
  return parts;
}

/** Quotes stand at the end of a refusal and of an answer that no model wrote; the citations show them as well. */
function endsInQuotes({ citations, model, refused }) {
  return (!model || refused) && citations.length > 0;
}

/** What is said before the quotes: that they are no answer, or which word was looked for instead. */
function beforeQuotes(text) {
  const at = text.search(/(?:^|\n\n)\[1\] /);
  return at < 0 ? text : text.slice(0, at).trim();
}

function hitList(hits) {
  if (!hits.length) return [el("p", { className: "thinking", textContent: t("noHits") })];
  const cards = hits.map((hit) => momentCard(hit, hit.text, null));
  return [el("h3", { textContent: t("hits") }), el("ol", { className: "moments" }, cards)];
}

const citationCard = (citation) => momentCard(citation, citation.quote, citation.number);

function momentCard(moment, words, number) {
  found.set(`${moment.video_id}@${moment.start.toFixed(1)}`, { words, url: moment.url });
  const head = el("span", { className: "moment-head" },
    number === null ? null : el("span", { className: "mark", textContent: number }),
    el("span", { className: "moment-title", textContent: moment.title }),
    el("span", { className: "moment-time", textContent: span(moment.start, moment.end) }),
    moment.language ? el("span", { className: "tag", textContent: languageName(moment.language) }) : null);
  return el("li", {}, el("a", { className: "moment", href: momentOf(moment.video_id, moment.start) },
    head, el("span", { className: "moment-words", textContent: words })));
}

const INLINE = /\[(\d+)\]|\*\*([^*\n]+)\*\*|`([^`\n]+)`/g;

/** Paragraphs and lists with marks, bold and code; anything else stays as it was written. */
function written(text, byNumber) {
  const blocks = [];
  for (const part of text.split(/\n{2,}/)) {
    const lines = part.split("\n").filter((line) => line.trim());
    if (lines.length && lines.every((line) => /^\s*(?:[-*•]|\d+[.)])\s+/.test(line))) {
      const items = lines.map((line) => line.replace(/^\s*(?:[-*•]|\d+[.)])\s+/, ""));
      const tag = /^\s*\d/.test(lines[0]) ? "ol" : "ul";
      blocks.push(el(tag, {}, items.map((item) => el("li", {}, ...inline(item, byNumber)))));
    } else if (lines.length) {
      const isQuote = lines.every((line) => line.startsWith(">"));
      const words = lines.map((line) => (isQuote ? line.replace(/^>\s?/, "") : line)).join("\n");
      blocks.push(el(isQuote ? "blockquote" : "p", {}, ...inline(words, byNumber)));
    }
  }
  return blocks;
}

function inline(text, byNumber) {
  const parts = [];
  let done = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(text.slice(done, match.index));
    const [whole, number, bold, code] = match;
    if (number) parts.push(mark(whole, byNumber.get(Number(number))));
    else parts.push(bold ? el("strong", { textContent: bold }) : el("code", { textContent: code }));
    done = match.index + whole.length;
  }
  return [...parts, text.slice(done)];
}

function mark(whole, citation) {
  if (!citation) return whole;
  const where = `${citation.title}, ${clock(citation.start)}`;
  return el("a", { className: "mark", href: momentOf(citation.video_id, citation.start),
    textContent: citation.number, title: where, "aria-label": `${citation.number}: ${where}` });
}
