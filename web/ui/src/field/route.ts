/** Today's route: the stops in their order, with arrive and leave. */

import { areaOf } from "../shared/cases";
import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { clock, language, number } from "../shared/words";
import type { Day, Route, Stop } from "./day";
import type { Keep } from "./keep";
import type { FieldMap } from "./map";
import type { Outbox } from "./outbox";
import { findPosition } from "./position";
import { t } from "./words";

const UNIT = "unit";

export class RouteView {
  private unit: number | null = null;
  private turnedTo: number | null = null;

  constructor(
    private readonly place: HTMLElement,
    private readonly day: Day,
    private readonly outbox: Outbox,
    private readonly keep: Keep,
    private readonly map: FieldMap,
  ) {
    void keep.note<number>(UNIT).then((unit) => {
      this.unit = unit ?? null;
    });
  }

  draw(): void {
    const routes = this.day.today?.routes ?? [];
    this.place.setAttribute("aria-label", t("route"));
    const route = routes.find((one) => one.unit_id === this.unit) ?? routes[0] ?? null;
    this.map.showRoute(route);
    if (route !== null && route.route_id !== this.turnedTo) {
      this.map.turnTo(route);
      this.turnedTo = route.route_id;
    }
    if (route === null) {
      redraw(this.place, h("p", { class: "empty" }, t("no_route")), ...this.posts());
      return;
    }
    const choice = h("select", { id: "unit", onchange: () => void this.choose(Number(choice.value)) }, ...routes.map((one) => h("option", { value: one.unit_id }, one.unit)));
    choice.value = String(route.unit_id);
    const zone = this.day.today?.zone ?? "UTC";
    redraw(
      this.place,
      h("label", { for: "unit" }, t("my_unit")),
      choice,
      h("p", { class: "asof" }, `${clock(new Date(route.starts_at), zone)}–${clock(new Date(route.ends_at), zone)} · ${number(route.travel_m / 1000, 1)} km`),
      route.stops.length === 0 ? h("p", { class: "empty" }, t("no_stop")) : null,
      h("ol", { class: "cards stops" }, ...route.stops.map((stop) => this.stop(route, stop, zone))),
      ...this.posts(),
    );
  }

  /** Who is on post in one's own grids. */
  private posts(): HTMLElement[] {
    const posts = this.day.today?.posts ?? [];
    if (posts.length === 0) return [];
    const areas = [...new Set(posts.map((post) => post.area))];
    const line = (area: string): string =>
      posts.filter((post) => post.area === area).map((post) => `${language() === "en" ? post.en : post.zh} ${post.people}${post.mine ? ` (${t("mine")})` : ""}`).join(" · ");
    return [h("h2", {}, t("posts")), h("ul", { class: "posts" }, ...areas.map((area) => h("li", {}, h("b", {}, areaOf(posts.find((post) => post.area === area)!)), ` ${line(area)}`)))];
  }

  private async choose(unit: number): Promise<void> {
    this.unit = unit;
    await this.keep.setNote(UNIT, unit);
    this.draw();
  }

  private stop(route: Route, stop: Stop, zone: string): HTMLElement {
    const visit = stop.visit;
    const said = [
      t("planned", { at: clock(new Date(stop.start_at), zone) }),
      visit ? t("arrived_at", { at: clock(new Date(visit.arrived_at), zone) }) : null,
      visit?.left_at ? t("left_at", { at: clock(new Date(visit.left_at), zone) }) : null,
      visit?.distance_m !== null && visit?.distance_m !== undefined ? t("away", { m: number(visit.distance_m) }) : null,
      visit?.pending ? t("unsent") : null,
    ].filter(Boolean);
    return h(
      "li",
      { class: "card", "data-stop": stop.ordinal },
      h(
        "button",
        { type: "button", class: "open", onclick: () => this.map.focus(stop.lon, stop.lat) },
        h("span", { class: "first" }, h("b", {}, `${stop.ordinal} ${areaOf(stop) ?? stop.stop_ref}`), stop.must ? h("span", { class: "state" }, t("must")) : null),
        h("span", { class: "words" }, language() === "en" ? stop.en : stop.zh),
        h("span", { class: "last" }, said.join(" · ")),
      ),
      visit === null
        ? h("button", { type: "button", class: "main", "data-do": "arrive", onclick: () => void this.arrive(route, stop) }, t("arrive"))
        : visit.left_at === null
          ? h("button", { type: "button", "data-do": "leave", onclick: () => void this.leave(visit.visit_id) }, t("leave"))
          : null,
    );
  }

  private async arrive(route: Route, stop: Stop): Promise<void> {
    const fix = await findPosition(3000);
    const body = { route_id: route.route_id, ordinal: stop.ordinal, lon: fix?.lon ?? null, lat: fix?.lat ?? null };
    await this.outbox.add({ entry_id: crypto.randomUUID(), kind: "arrive", body });
  }

  private async leave(visit: string): Promise<void> {
    await this.outbox.add({ entry_id: crypto.randomUUID(), kind: "leave", body: { visit_id: visit } });
  }
}
