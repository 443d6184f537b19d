/** The wall's state in its address, so that a screen comes back as it was and can be sent to another. */

export interface Address {
  /** This screen: number of how many, in rows of `across`. */
  screen: { number: number; of: number; across: number; name: string };
  wall: string;
  code: string | null;
  center: [number, number] | null;
  zoom: number | null;
  layers: string[];
  colour: string;
  measure: string;
  /** Which stored result the layer of results draws: kind, unit and shape. */
  result: string;
  /** Seconds at each stop of the tour; 0 without. */
  tour: number;
}

/** Calm where things are as expected: only what is not stands out. */
export const USUAL_COLOUR = "against";
export const DEFAULT_LAYERS = ["grids", "live", "hotspots", "emerging"];

export function readAddress(bound: string | null): Address {
  const query = new URLSearchParams(location.search);
  const name = bound ?? query.get("screen") ?? "1of1";
  const parts = /^(?:([a-z0-9-]{1,40})-)?([1-9]\d?)of([1-9]\d?)$/i.exec(name);
  const of = Number(parts?.[3] ?? 1);
  const across = Math.min(of, Math.max(1, Number(query.get("across") ?? of) || of));
  const at = (query.get("at") ?? "").split(",").map(Number);
  const hasPlace = at.length === 3 && at.every(Number.isFinite);
  return {
    screen: { number: Number(parts?.[2] ?? 1), of, across, name },
    wall: parts ? (parts[1] ?? query.get("wall") ?? "main") : bound ?? "main",
    code: query.get("jurisdiction"),
    center: hasPlace ? [at[0]!, at[1]!] : null,
    zoom: hasPlace ? at[2]! : null,
    layers: query.has("layers") ? query.get("layers")!.split(",").filter(Boolean) : DEFAULT_LAYERS,
    colour: query.get("colour") ?? USUAL_COLOUR,
    measure: query.get("measure") ?? "count",
    result: query.get("result") ?? "",
    tour: Math.max(0, Number(query.get("tour") ?? 0) || 0),
  };
}

/** Write what differs from the usual; `screen`, `theme` and the rest stay as they are. */
export function writeAddress(address: Address): void {
  const query = new URLSearchParams(location.search);
  const put = (key: string, value: string | null): void => {
    if (value === null) query.delete(key);
    else query.set(key, value);
  };
  put("at", address.center ? `${address.center[0].toFixed(5)},${address.center[1].toFixed(5)},${address.zoom!.toFixed(2)}` : null);
  put("layers", address.layers.join(",") === DEFAULT_LAYERS.join(",") ? null : address.layers.join(","));
  put("colour", address.colour === USUAL_COLOUR ? null : address.colour);
  put("measure", address.measure === "count" ? null : address.measure);
  put("result", address.result || null);
  put("tour", address.tour ? String(address.tour) : null);
  const text = query.toString().replaceAll("%2C", ",");
  history.replaceState(null, "", text ? `?${text}` : location.pathname);
}
