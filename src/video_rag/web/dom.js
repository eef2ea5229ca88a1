// Building the page: text is always text, a link is always safe to follow.

/** An element; `props` are properties, `data-*`, `aria-*`, `role` and listeners (`onclick`). */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (/^(data-|aria-)|^(role|lang|for)$/.test(name)) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const $ = (id) => document.getElementById(id);

/** A web address outside this page, or nothing: sources come from strangers. */
export function webAddress(url) {
  return /^https?:\/\//i.test(url ?? "") && !url.startsWith(`${location.origin}/`) ? url : "";
}

/** `750.4` → `12:30`, as the command line writes it. */
export function clock(seconds) {
  const whole = Math.floor(Math.max(seconds, 0));
  const [hours, minutes, left] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${pad(minutes)}:${pad(left)}` : `${minutes}:${pad(left)}`;
}

export const span = (start, end) => `${clock(start)}–${clock(end)}`;

/** The address in this page of a moment of a video. */
export function momentOf(videoId, seconds) {
  const at = Number(Math.max(seconds, 0).toFixed(3));
  return `#/video/${encodeURIComponent(videoId).replaceAll("%3A", ":")}?t=${at}`;
}

/** Which of these spans (in order of start) holds the moment; the last one begun, or -1. */
export function indexAt(spans, seconds) {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].start <= seconds + 0.05) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
