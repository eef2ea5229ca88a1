// Talking to the server. A refusal becomes a `Problem` with what happened and what to do.

export class Problem extends Error {
  constructor(message, hint, status) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

async function call(method, path, body, signal) {
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("offline", "", 0);
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Problem(told.error ?? response.statusText, told.hint ?? "", response.status);
}

const json = async (...request) => (await call(...request)).json();
const id = (videoId) => encodeURIComponent(videoId);

export const api = {
  whoAmI: () => json("GET", "api/session"),
  logIn: (key) => json("POST", "api/session", { key }),
  logOut: () => call("DELETE", "api/session"),
  /** A part of the videos, and how many there are of this kind: `[rows, total]`. */
  async videos(wanted) {
    const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
    const response = await call("GET", `api/videos?${query}`);
    return [await response.json(), Number(response.headers.get("X-Total-Count"))];
  },
  collections: () => json("GET", "api/collections"),
  video: (videoId) => json("GET", `api/videos/${id(videoId)}`),
  /** The latest requests, newest first. */
  requests: () => json("GET", "api/requests?limit=100"),
  status: () => json("GET", "api/status"),
  cancel: (requestId) => json("POST", `api/requests/${id(requestId)}/cancel`),
  add: (url, collection) => json("POST", "api/videos", { url, collection: collection || null }),
  retry: (videoId) => json("POST", `api/videos/${id(videoId)}/retry`),
  remove: (videoId) => call("DELETE", `api/videos/${id(videoId)}`),
  media: (videoId) => `api/videos/${id(videoId)}/media`,
  subtitles: (videoId, number) => `api/videos/${id(videoId)}/subtitles/${number}.vtt`,
  image: (digest) => `api/images/${digest}`,
  search(q, collection, signal) {
    const query = new URLSearchParams({ q, ...(collection && { collection }) });
    return json("GET", `api/search?${query}`, undefined, signal);
  },
  /** The events of an answer: `["delta", {text}]` …, then `["done", answer]` or `["error", …]`. */
  async *ask(question, collection, signal) {
    const asked = { question, collection: collection || null };
    const response = await call("POST", "api/ask", asked, signal);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const events = (rest + piece.value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const [, name, data] = event.match(/^event: (.*)\ndata: (.*)$/s);
        yield [name, JSON.parse(data)];
      }
    }
  },
};
