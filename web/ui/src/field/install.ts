/** Making the page an application: manifest, service worker, and all it needs without a network. */

import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { h } from "../shared/dom";
import type { Today } from "./day";

const LAYERS: [layer: string, query: string][] = [["water", ""], ["roads", ""], ["buildings", ""], ["areas", "?level=grid"], ["areas", "?level=district"]];
const ZOOMS = [12, 13, 14, 15];
const MOST_TILES = 900;
/** The icons of the manifest are built because they are named here. */
export const ICONS = [
  new URL("./icon-192.png", import.meta.url).href,
  new URL("./icon-512.png", import.meta.url).href,
  new URL("./icon-mask.png", import.meta.url).href,
];

export function startWorker(): void {
  document.head.append(h("link", { rel: "manifest", href: "/field.webmanifest" }));
  if (!("serviceWorker" in navigator)) return;
  void navigator.serviceWorker.register("/field-worker.js", { scope: "/field" });
}

/** Have the worker keep this page, its files, and the map tiles of one's own grids. */
export async function keepForOffline(today: Today | null, mayKeep: boolean): Promise<void> {
  if (!("serviceWorker" in navigator) || !mayKeep || !navigator.onLine) return;
  const { active } = await navigator.serviceWorker.ready;
  if (active === null) return;
  const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
  const files = loaded.filter((url) => url.origin === location.origin && url.pathname.startsWith("/app/assets/")).map((url) => url.href);
  const addresses = ["/field", "/field.webmanifest", "/api/v1/session", "/api/v1/map-stamp", new URL(workerUrl, location.href).href, ...files, ...ICONS, ...tilesOf(today?.grids.bounds ?? null)];
  await new Promise<void>((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve();
    active.postMessage({ keep: addresses }, [channel.port2]);
  });
}

/** Addresses of the tiles over a box, from afar to near, no more than a tablet should fetch. */
export function tilesOf(bounds: [number, number, number, number] | null): string[] {
  if (bounds === null) return [];
  const [west, south, east, north] = bounds;
  const found: string[] = [];
  for (const zoom of ZOOMS) {
    const [left, top] = tileAt(west, north, zoom);
    const [right, bottom] = tileAt(east, south, zoom);
    for (let x = left; x <= right; x++) {
      for (let y = top; y <= bottom; y++) {
        for (const [layer, query] of LAYERS) found.push(`${location.origin}/tiles/${layer}/${zoom}/${x}/${y}${query}`);
      }
    }
    if (found.length > MOST_TILES) break;
  }
  return found.slice(0, MOST_TILES);
}

function tileAt(lon: number, lat: number, zoom: number): [number, number] {
  const n = 2 ** zoom;
  const radians = (lat * Math.PI) / 180;
  const x = Math.floor(((lon + 180) / 360) * n);
  const y = Math.floor(((1 - Math.asinh(Math.tan(radians)) / Math.PI) / 2) * n);
  return [x, y];
}
