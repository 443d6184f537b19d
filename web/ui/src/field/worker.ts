/** The service worker of /field: the page, its files, the session and map tiles without a network. */

const worker = self as unknown as ServiceWorkerGlobalScope;

const FILES = "gridbeat-files-1";
const TILES = "gridbeat-tiles-1";
const PAGE = "gridbeat-page-1";
const KEPT = [FILES, TILES, PAGE];
const MOST_TILES = 3000;

worker.addEventListener("install", () => void worker.skipWaiting());
worker.addEventListener("activate", (event) => event.waitUntil(begin()));
worker.addEventListener("message", (event) => {
  const said = event.data as { keep?: string[] };
  if (said.keep) event.waitUntil(keepAll(said.keep, event.ports[0]));
});
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (url.pathname.startsWith("/app/assets/")) event.respondWith(fromFiles(request));
  else if (url.pathname.startsWith("/tiles/")) event.respondWith(fromTiles(event));
  else if (["/field", "/field.webmanifest", "/api/v1/session"].includes(url.pathname)) event.respondWith(fromNetwork(request, url.pathname));
});

async function begin(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith("gridbeat-") && !KEPT.includes(name)) await caches.delete(name);
  await worker.clients.claim();
}

/** A file's name changes with what is in it: what is kept is right. */
async function fromFiles(request: Request): Promise<Response> {
  const files = await caches.open(FILES);
  const kept = await files.match(request.url);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await files.put(request.url, answer.clone());
  return answer;
}

/** What is kept at once, and a new one behind it for the next look. */
async function fromTiles(event: FetchEvent): Promise<Response> {
  const tiles = await caches.open(TILES);
  const kept = await tiles.match(event.request.url);
  const fresh = fetch(event.request).then(async (answer) => {
    if (answer.ok) await tiles.put(event.request.url, answer.clone());
    return answer;
  });
  if (!kept) return fresh;
  event.waitUntil(fresh.catch(() => undefined));
  return kept;
}

/** The network's answer, or the last one that was kept where there is no network. */
async function fromNetwork(request: Request, path: string): Promise<Response> {
  const pages = await caches.open(PAGE);
  try {
    const answer = await fetch(request);
    if (answer.ok) {
      if (await isSignedIn(path, answer)) await pages.put(path, answer.clone());
      else await forget();
    }
    return answer;
  } catch (error) {
    const kept = await pages.match(path);
    if (kept) return kept;
    throw error;
  }
}

async function isSignedIn(path: string, answer: Response): Promise<boolean> {
  if (path !== "/api/v1/session") return true;
  const session = (await answer.clone().json()) as { login: string | null };
  return session.login !== null;
}

/** Fetch addresses that the page will need without a network; says how many are kept. */
async function keepAll(addresses: string[], port: MessagePort | undefined): Promise<void> {
  let kept = 0;
  for (const address of addresses) {
    const isTile = new URL(address, worker.location.origin).pathname.startsWith("/tiles/");
    const path = new URL(address, worker.location.origin).pathname;
    const name = isTile ? TILES : path.startsWith("/app/assets/") ? FILES : PAGE;
    const store = await caches.open(name);
    const key = name === PAGE ? path : address;
    if (name !== PAGE && (await store.match(key))) {
      kept += 1;
      continue;
    }
    try {
      const answer = await fetch(address);
      if (answer.ok && (await isSignedIn(path, answer))) {
        await store.put(key, answer);
        kept += 1;
      }
    } catch {
      break; // the network went: the next start goes on
    }
  }
  await thin();
  port?.postMessage({ kept });
}

async function thin(): Promise<void> {
  const tiles = await caches.open(TILES);
  const keys = await tiles.keys();
  for (const key of keys.slice(0, Math.max(0, keys.length - MOST_TILES))) await tiles.delete(key);
}

/** Signed out: what only somebody signed in may see goes. */
async function forget(): Promise<void> {
  await caches.delete(TILES);
  await caches.delete(PAGE);
}

export {};
