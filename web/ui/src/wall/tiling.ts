/** One picture over several screens: which part of it each shows, and how all of it fits. */

import type { Address } from "./address";
import type { View } from "./data";

type Screen = Address["screen"];
type Place = Pick<View, "center" | "zoom">;
export interface Padding {
  left: number;
  right: number;
  top: number;
  bottom: number;
}
const TILE_PX = 512;

/** Pixels of this screen for one of the map: what is drawn on the map grows as letters do. */
export function mapScale(): number {
  return Math.max(1, rem() / 16);
}

const rem = (): number => parseFloat(getComputedStyle(document.documentElement).fontSize);
const wide = (): number => window.innerWidth / mapScale();
const high = (): number => window.innerHeight / mapScale();

function columnOf(screen: Screen): number {
  return (screen.number - 1) % screen.across;
}

function rowOf(screen: Screen): number {
  return Math.floor((screen.number - 1) / screen.across);
}

export function rowsOf(screen: Screen): number {
  return Math.ceil(screen.of / screen.across);
}

/** Longitude and latitude in Web Mercator, as shares of the world from the west and the north. */
function toWorld([lon, lat]: [number, number]): [number, number] {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [(lon + 180) / 360, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

function fromWorld([x, y]: [number, number]): [number, number] {
  return [x * 360 - 180, (360 / Math.PI) * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90];
}

/** Where the middle of one screen looks when the middle of the whole wall looks at a place. */
export function partOf(place: Place, screen: Screen): [number, number] {
  if (screen.of === 1) return place.center;
  const world = TILE_PX * 2 ** place.zoom;
  const [x, y] = toWorld(place.center);
  const right = (columnOf(screen) - (screen.across - 1) / 2) * wide();
  const down = (rowOf(screen) - (rowsOf(screen) - 1) / 2) * high();
  return fromWorld([x + right / world, y + down / world]);
}

/** The view of the whole wall, not of one screen, in which bounds fit between what covers its edges. */
export function fitWall(bounds: [number, number, number, number], screen: Screen, padding: Padding): Place {
  const [west, south, east, north] = bounds;
  const [left, bottom] = toWorld([west, south]);
  const [right, top] = toWorld([east, north]);
  const across = Math.max(100, screen.across * wide() - padding.left - padding.right);
  const down = Math.max(100, rowsOf(screen) * high() - padding.top - padding.bottom);
  const world = Math.min(across / (right - left), down / (bottom - top));
  const x = (left + right) / 2 + (padding.right - padding.left) / 2 / world;
  const y = (top + bottom) / 2 + (padding.bottom - padding.top) / 2 / world;
  return { center: fromWorld([x, y]), zoom: Math.min(18, Math.log2(world / TILE_PX)) };
}

/** What the panels at a wall's edges cover: the same on each of its screens, so that they meet. */
export function wallPadding(): Padding {
  const unit = rem() / mapScale();
  return { left: 24.5 * unit, right: 24.5 * unit, top: 7 * unit, bottom: 6 * unit };
}
