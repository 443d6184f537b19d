/** Incidents as they come in: kept by number, drawn by age, ringed while they are new. */

import { byId } from "../shared/dom";
import { readPoints, type Point } from "./data";
import type { Layers } from "./layers";
import type { TimeChoice } from "./time";

const ARRIVED_S = 90;
const SHOWN_S = 48 * 3600;

export class Incidents {
  private points: Point[] = [];
  private leftOut = false;

  constructor(private readonly layers: Layers) {}

  async load(code: string | null): Promise<void> {
    ({ points: this.points, leftOut: this.leftOut } = await readPoints(code));
  }

  /** When the newest that is known happened, seconds since 1970. */
  get newest(): number {
    return this.points[0]?.t ?? 0;
  }

  /** Take what an event tells; false where it is known already or has no place. */
  hear(body: Record<string, unknown>): boolean {
    const [lon, lat] = [Number(body.lon), Number(body.lat)];
    const point = {
      id: Number(body.incident_id), lon, lat, t: Number(body.occurred_at), category: body.category_id as number | null,
      found_by: String(body.found_by), arrived: Date.now() / 1000,
    };
    if (!Number.isFinite(lon) || !Number.isFinite(lat) || this.points.some((known) => known.id === point.id)) return false;
    this.points.unshift(point);
    return true;
  }

  /** Draw what happened in the two days before a moment; days gone by have counts alone. Returns how many. */
  draw(until: number, mode: TimeChoice["mode"]): number {
    this.layers.age(until);
    const shown = mode === "days" ? [] : this.points.filter((point) => point.t <= until + 60 && point.t > until - SHOWN_S);
    this.layers.drawPoints(shown, this.arrivals(mode));
    byId("left-out").hidden = !this.leftOut;
    return shown.length;
  }

  /** Those that came in just now, which are ringed. */
  arrivals(mode: TimeChoice["mode"]): Point[] {
    const since = Date.now() / 1000 - ARRIVED_S;
    return mode === "live" ? this.points.filter((point) => (point.arrived ?? 0) > since) : [];
  }

  /** Let the rings grow once; `done` is called where none is left. */
  pulse(done: () => void, isLeft: () => boolean): void {
    const from = performance.now();
    const step = (): void => {
      const phase = (performance.now() - from) / 900;
      this.layers.pulse(Math.min(1, phase));
      if (phase < 1) window.setTimeout(step, 90);
      else if (!isLeft()) done();
    };
    step();
  }
}
