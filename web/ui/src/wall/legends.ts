/** What the wall's legend says of each layer that is shown, apart from those that are coloured by numbers. */

import { token } from "../shared/theme";
import { language } from "../shared/words";
import { EMERGING_COLOUR } from "./drawn";
import type { Legend, LegendEntry } from "./paint";
import { ages } from "./scales";
import { SWITCHES } from "./switches";
import { EMERGING, t, type Word } from "./words";

/** What the map shows by now. */
export interface Seen {
  night: boolean;
  zoom: number;
  has: (layer: string) => boolean;
  /** Whether anything of a layer is in sight. */
  drawn: (layer: string) => boolean;
  /** Categories of emerging hot spots that were found. */
  emerging: Set<string>;
  result: () => Legend | null;
}

/** Why a layer that is switched on shows nothing; empty where it does. */
function absence(layer: string, seen: Seen): string {
  if (seen.zoom < (SWITCHES[layer]?.zoom ?? 0)) return t("nearer");
  return seen.drawn(layer) ? "" : t(layer === "tracks" ? "no_units" : "none_here");
}

/** The legends of the other layers that are shown. */
export function layerLegends(shown: string[], seen: Seen): Legend[] {
  const found: Legend[] = [];
  const dot = (colour: string, label: string): LegendEntry => ({ colour, label, shape: "dot" });
  const line = (colour: string, label: string): LegendEntry => ({ colour, label, shape: "line" });
  if (shown.includes("live")) {
    found.push({
      title: t("layer_live"),
      entries: [dot(seen.night ? "#ffffff" : "#101a24", t("age_hour")), dot(token("s-1"), t("age_day")), dot(token("unknown"), t("age_older"))],
    });
  }
  if (shown.includes("hotspots") && seen.has("hotspots")) {
    found.push({ title: `${t("layer_hotspots")} · ${t("significant")}`, entries: [{ colour: token("up"), label: language() === "en" ? "hot" : "热点" }, { colour: token("down"), label: language() === "en" ? "cold" : "冷点" }] });
  }
  if (shown.includes("emerging") && seen.has("emerging")) {
    found.push({
      title: t("layer_emerging"),
      // Those that were found: eight names of which three are there say less.
      entries: Object.entries(EMERGING).filter(([label]) => seen.emerging.has(label)).map(([label, pair]) => ({ colour: EMERGING_COLOUR[label]![seen.night ? 0 : 1], label: pair[language() === "en" ? 1 : 0], shape: "line" as const })),
    });
  }
  const result = shown.includes("result") ? seen.result() : null;
  if (result !== null) found.push(result);
  if (shown.includes("looks") && seen.zoom >= 13) {
    const words: Word[] = ["seen_4h", "seen_24h", "seen_3d", "seen_7d", "seen_older"];
    found.push({
      title: t("layer_looks"),
      entries: [...words.map((word, n) => ({ colour: ages()[n]!, label: t(word) })), { colour: token("unknown"), label: t("seen_never"), shape: "hatch" as const }],
    });
  }
  const single: LegendEntry[] = [];
  const one = (layer: string, entry: LegendEntry): void => {
    if (shown.includes(layer) && seen.has(layer)) single.push({ ...entry, label: entry.label + absence(layer, seen) });
  };
  if (shown.includes("looks") && seen.zoom < 13) single.push({ colour: ages()[0]!, label: t("layer_looks") + t("nearer") });
  one("cameras", dot(token("s-1"), t("layer_cameras")));
  one("camera_views", { colour: token("s-1"), label: t("layer_camera_views") });
  one("blind", { colour: token("s-4"), label: t("layer_blind") });
  one("routes", line(token("s-3"), t("layer_routes")));
  one("tracks", line(token("s-2"), t("layer_tracks")));
  if (shown.includes("tracks") && seen.has("tracks") && seen.drawn("tracks")) {
    single.push(dot(token("s-2"), t("unit_now")), dot(token("unknown"), t("unit_old")));
  }
  one("drones", line(token("s-4"), t("layer_drones")));
  one("stations", dot(token("s-3"), t("layer_stations")));
  if (single.length > 0) found.push({ title: "", entries: single });
  return found;
}
