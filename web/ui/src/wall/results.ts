/** The layer of stored results: whatever was computed last, on hexagons, streets, grids or zones. */

import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";
import { token } from "../shared/theme";
import { language } from "../shared/words";
import type { StoredResult } from "./data";
import { classes, type Legend, type LegendEntry } from "./paint";
import { colourOf, ramp } from "./scales";
import { KINDS, t, type Word } from "./words";

const UP = /^(hot|rising|above|rise|more|high-high|alarm|cluster|repeat|.*_hot)$/;
const DOWN = /^(cold|falling|below|fall|less|low-low|.*_cold)$/;
const CALM = /^(none|within|even|known|apart)$/;
const UNKNOWN = /^(untested|unknown|unseen)$/;
/** Labels that tell nothing by themselves: what they are of is coloured by its figure. */
const PLAIN = /^(untested|expected|scored)$/;

export function keyOf(result: StoredResult): string {
  return [result.kind, result.unit, result.shape].filter(Boolean).join("-");
}

/** The result that an address asks for; without, streets or hexagons, which no other layer shows. */
export function chosenResult(results: StoredResult[], key: string): StoredResult | null {
  const own = results.find((one) => one.unit === "segment") ?? results.find((one) => one.shape === "hexagon");
  return results.find((one) => keyOf(one) === key) ?? own ?? results[0] ?? null;
}

export function resultName(result: StoredResult): string {
  const side = language() === "en" ? 1 : 0;
  const unit = `unit_${result.unit}${result.unit === "segment" || result.unit === "zone" ? "" : `_${result.shape}`}`;
  return `${KINDS[result.kind]?.[side] ?? result.kind} · ${t(unit as Word)}`;
}

/** Whether its labels say nothing, so that the figure is drawn. */
export function isByScore(result: StoredResult): boolean {
  return result.labels.every((one) => PLAIN.test(one.label));
}

export function resultLayers(result: StoredResult): LayerSpecification[] {
  const colour = isByScore(result) ? token("unknown") : labelColours(result);
  const shown = isByScore(result) ? ["!=", ["get", "score"], null] : ["!", ["in", ["get", "label"], ["literal", result.labels.map((one) => one.label).filter((label) => CALM.test(label) || label === "untested")]]];
  const common = { source: "result", "source-layer": "results", filter: shown as never };
  return result.unit === "segment"
    ? [{ id: "result-line", type: "line", ...common, layout: { "line-cap": "round" }, paint: { "line-color": colour as never, "line-width": ["interpolate", ["linear"], ["zoom"], 11, 2, 16, 8] as never } }]
    : [
        { id: "result-fill", type: "fill", ...common, paint: { "fill-color": colour as never, "fill-opacity": 0.45 } },
        { id: "result-line", type: "line", ...common, paint: { "line-color": colour as never, "line-width": 1.4 } },
      ];
}

function labelColour(label: string, place: number): string {
  if (UP.test(label)) return token("up");
  if (DOWN.test(label)) return token("down");
  if (UNKNOWN.test(label)) return token("unknown");
  return token(`s-${1 + (place % 4)}`);
}

function labelColours(result: StoredResult): ExpressionSpecification {
  return ["match", ["get", "label"], ...result.labels.flatMap((one, n) => [one.label, labelColour(one.label, n)]), token("unknown")] as unknown as ExpressionSpecification;
}

export function scoreColours(limits: number[]): ExpressionSpecification | string {
  const colours = ramp();
  if (limits.length === 0) return colours[0]!;
  return ["step", ["get", "score"], colours[0], ...limits.flatMap((limit) => [limit, colourOf(limit * 1.0001, limits, colours)])] as unknown as ExpressionSpecification;
}

export function resultLegend(result: StoredResult, limits: number[]): Legend {
  const shape = result.unit === "segment" ? ("line" as const) : ("fill" as const);
  const day = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  const entries: LegendEntry[] = isByScore(result)
    ? classes(limits, ramp())
    : result.labels.flatMap((one, n) => (CALM.test(one.label) || one.label === "untested" ? [] : [{ colour: labelColour(one.label, n), label: `${language() === "en" ? one.en : one.zh} ${one.n}`, shape }]));
  const none = entries.length === 0 ? [{ colour: "transparent", label: t("nothing_significant"), shape }] : [];
  return { title: `${resultName(result)} · ${day(result.from)} – ${day(result.to)}`, entries: [...entries, ...none] };
}
