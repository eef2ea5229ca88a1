// How the work goes: what is at work, what waits, how fast, what stands in its way.

import { $, clock, el } from "./dom.js";
import { t } from "./i18n.js";

/** Draw what the server says; nothing when there is nothing to tell. */
export function draw(status) {
  const waiting = (status?.routes ?? []).reduce((sum, { ready, later }) => sum + ready + later, 0);
  const isTold = status && (status.at_work.length || waiting || status.failures.length || status.problem);
  $("work").hidden = !isTold;
  if (!isTold) return;
  const { at_work: working, failures, pace } = status;
  const failed = failures.reduce((sum, { videos }) => sum + videos, 0);
  $("work-line").textContent = [
    working.length ? t("atWork", { many: working.length }) : "",
    waiting ? t("stagesWait", { many: waiting }) : "",
    status.oldest_seconds === null ? "" : t("oldest", { time: clock(status.oldest_seconds) }),
    pace.videos_per_hour ? t("perHour", { many: pace.videos_per_hour }) : "",
    failed ? t("failures", { many: failed }) : "",
  ].filter(Boolean).join(" · ");
  $("work-body").replaceChildren(
    status.problem ? el("p", { className: "problem", textContent: status.problem }) : "",
    working.length ? el("ul", {}, working.map(workRow)) : "",
    table([t("route"), t("readyNow"), t("later"), t("onQueue"), t("workers")], status.routes,
      (one) => [one.route, one.ready, one.later, one.messages ?? "–", one.workers ?? "–"]),
    table([t("failure"), t("videosNumber"), t("triedAgain")], failures,
      (one) => [one.error, one.videos, one.retried]),
  );
}

function workRow({ title, stage, share, note, worker, seconds }) {
  const name = t(`stage_${stage.split("@")[0]}`);
  const facts = [`${name} ${Math.round(share * 100)} %`, note, clock(seconds), worker].filter(Boolean).join(" · ");
  return el("li", { className: "video" },
    el("span", { className: "video-link" },
      el("span", { className: "video-title", textContent: title }),
      el("span", { className: "video-facts", textContent: facts })),
    el("progress", { className: "share", max: 1, value: share, "aria-label": facts }));
}

function table(heads, rows, cells) {
  if (!rows.length) return "";
  const line = (tag, texts) => el("tr", {}, texts.map((text) => el(tag, { textContent: text })));
  return el("table", {}, el("thead", {}, line("th", heads)),
    el("tbody", {}, rows.map((row) => line("td", cells(row)))));
}
