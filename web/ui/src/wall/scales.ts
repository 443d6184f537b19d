/** Colours of numbers: ramps that read in grey and for every common colour blindness. */

import { theme } from "../shared/theme";

/** From little to much: lightness alone already tells, after "inferno" (van der Walt and Smith 2015). */
export function ramp(): string[] {
  return theme() === "night"
    ? ["#2b2347", "#5f2a66", "#a23c63", "#e06a45", "#f8c45a"]
    : ["#fdeccb", "#fbc77a", "#ee8a4f", "#bf4560", "#672560"];
}

/** From falling over still to rising. */
export function diverging(): [string, string, string] {
  return theme() === "night" ? ["#4da3e8", "#2a3744", "#f58d3d"] : ["#2171b5", "#dfe4e8", "#cc5500"];
}

/** From seen lately to long ago, after "viridis". */
export function ages(): string[] {
  return theme() === "night"
    ? ["#f1e25b", "#69c96a", "#2a9a8a", "#35618d", "#40366f"]
    : ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"].reverse();
}

/** Limits of five classes: quantiles of what there is, each larger than the one before. */
export function breaks(values: number[]): number[] {
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  const found: number[] = [];
  for (const share of [0.3, 0.55, 0.75, 0.9]) {
    const value = nice(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
    if (value > (found.at(-1) ?? 0)) found.push(value);
  }
  return found;
}

function nice(value: number): number {
  if (value >= 10) return Math.round(value / 10 ** Math.floor(Math.log10(value) - 1)) * 10 ** Math.floor(Math.log10(value) - 1);
  return value >= 3 ? Math.round(value) : Math.round(value * 10) / 10;
}

/** The colour of a value among limits. */
export function colourOf(value: number, limits: number[], colours: string[]): string {
  let place = 0;
  while (place < limits.length && value > limits[place]!) place += 1;
  const last = colours.length - 1;
  return colours[limits.length === 0 ? 0 : Math.round((place * last) / limits.length)]!;
}
