/** Where the wall looks: the whole of it, and the part of it that this screen shows. */

import type { Map as MapLibreMap } from "maplibre-gl";
import { writeAddress, type Address } from "./address";
import type { View, WallState } from "./data";
import { fitWall, partOf, wallPadding } from "./tiling";

type Bounds = WallState["place"]["bounds"];
const NEAR = 14.6;

export class Sight {
  /** Where the whole wall looks, of which this screen shows a part. */
  private aim: View;

  constructor(
    private readonly map: MapLibreMap,
    private readonly address: Address,
    private readonly bounds: () => Bounds,
    /** The layers, the colour or the measure in the address are other ones now. */
    private readonly switched: () => void,
  ) {
    this.aim = startOf(bounds(), address);
  }

  whole(): View {
    return { ...this.view(), ...fitWall(this.bounds(), this.address.screen, wallPadding()) };
  }

  view(): View {
    const at = this.map.getCenter();
    const { layers, colour, measure } = this.address;
    return { center: [Number(at.lng.toFixed(5)), Number(at.lat.toFixed(5))], zoom: Number(this.map.getZoom().toFixed(2)), layers, colour, measure };
  }

  show(view: View, duration: number): void {
    const { layers, colour, measure } = view;
    if (layers.join() !== this.address.layers.join() || colour !== this.address.colour || measure !== this.address.measure) {
      Object.assign(this.address, { layers, colour, measure });
      this.switched();
    }
    this.aim = view;
    const target = { center: partOf(view, this.address.screen), zoom: view.zoom };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.map.jumpTo(target);
    else this.map.easeTo({ ...target, duration });
  }

  /** Screens that meet must go on meeting when their size changes. */
  keepPart(): void {
    if (this.address.screen.of > 1) this.map.jumpTo({ center: partOf(this.aim, this.address.screen), zoom: this.aim.zoom });
  }

  goTo(lon: number, lat: number): void {
    this.show({ ...this.view(), center: [lon, lat], zoom: Math.max(NEAR, this.map.getZoom()) }, 1200);
  }

  remember(): void {
    if (this.address.screen.of > 1) return;
    const { center, zoom } = this.view();
    Object.assign(this.address, { center, zoom });
    writeAddress(this.address);
  }
}

/** Where a wall looks at first: as its address says, or at the whole place. */
export function startOf(bounds: Bounds, address: Address): View {
  const { layers, colour, measure } = address;
  const place = address.center ? { center: address.center, zoom: address.zoom ?? 13 } : fitWall(bounds, address.screen, wallPadding());
  return { ...place, layers, colour, measure };
}
