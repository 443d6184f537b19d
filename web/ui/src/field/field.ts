/** The tablet: tasks by deadline, a report in a few taps, the route's stops; all of it without a network. */

import { Problem, readSession } from "../shared/api";
import { runClocks } from "../shared/cases";
import { toast } from "../shared/dialog";
import { byId, h } from "../shared/dom";
import { Live } from "../shared/live";
import { beginPage, languageButton, sayReady } from "../shared/page";
import { setTheme, theme } from "../shared/theme";
import { Day } from "./day";
import { Duty } from "./duty";
import { keepForOffline, startWorker } from "./install";
import { Keep } from "./keep";
import { FieldMap } from "./map";
import { Outbox } from "./outbox";
import { OutboxView } from "./outbox_view";
import { ReportSheet } from "./report";
import { RouteView } from "./route";
import { TaskView } from "./tasks";
import { t } from "./words";

type Tab = "tasks" | "route" | "map" | "outbox";

startWorker();
await beginPage("field", { title: t("title"), header: false, fallback: "day" });
const session = await readSession();
const login = session.login ?? "";
const keep = await Keep.open();
const device = await keep.device();
const day = new Day(keep, login);
const outbox = new Outbox(keep, device, login);

const chip = h("button", { type: "button", class: "chip", id: "chip", onclick: () => show("outbox") });
const duty = new Duty(keep, outbox);
const list = h("section", { id: "list", tabindex: "-1" });
const mapBox = h("div", { id: "map" });
const tabs = new Map<Tab, HTMLButtonElement>();
const nav = h("nav", { class: "tabs", "aria-label": t("title") });
for (const tab of ["tasks", "route", "map", "outbox"] as const) {
  const made = h("button", { type: "button", "data-tab": tab, onclick: () => show(tab) }, h("span", {}, t(tab)), h("b", { hidden: true }));
  tabs.set(tab, made);
  nav.append(made);
}
const themeSwitch = h("button", { type: "button", class: "icon", "aria-label": "Day/Night 日/夜", onclick: () => setTheme(theme() === "day" ? "night" : "day") }, "◐");
byId("main").before(
  h("header", { class: "bar" }, h("h1", {}, t("product")), h("a", { class: "who", href: "/account" }, session.name ?? login), chip, duty.element, languageButton(), themeSwitch),
);
const trouble = h("button", { type: "button", class: "trouble", hidden: true, onclick: () => show("outbox") });
byId("main").append(trouble, list, mapBox, nav, h("button", { type: "button", class: "fab main", id: "report", onclick: () => void report() }, t("report")));

const had = await day.begin();
const map = await FieldMap.make(mapBox, day.today?.grids.bounds ?? null);
const tasks = new TaskView(list, day, outbox, map);
const route = new RouteView(list, day, outbox, keep, map);
const box = new OutboxView(list, day, outbox, keep, login);
let tab: Tab = "tasks";

function show(next: Tab): void {
  tab = next;
  document.body.dataset.tab = next;
  for (const [name, button] of tabs) {
    if (name === next) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  draw();
  if (next === "map") map.resize();
  list.scrollTop = 0;
}

function draw(): void {
  if (tab === "route") route.draw();
  else if (tab === "outbox") void box.draw(() => tab === "outbox");
  else tasks.draw();
  map.show(day.today);
  duty.tell(day.today);
  const open = day.today?.tasks.filter((task) => ["dispatched", "received", "in_progress", "rework"].includes(task.state)).length ?? 0;
  count("tasks", open);
}

function count(name: Tab, value: number): void {
  const made = tabs.get(name)?.querySelector("b");
  if (!made) return;
  made.textContent = String(value);
  made.hidden = value === 0;
}

async function report(): Promise<void> {
  const sheet = new ReportSheet(day, outbox, map, keep);
  if (await sheet.open()) toast(t("report_done"));
}

function tell(): void {
  const { waiting, sending, again, troubles, signedOut, skew } = outbox.state;
  const offline = !navigator.onLine;
  chip.dataset.state = signedOut ? "out" : offline ? "offline" : waiting > 0 ? "waiting" : "online";
  const left = again > 0 ? Math.max(0, Math.ceil((again - Date.now()) / 1000)) : 0;
  const words = [
    signedOut ? t("signed_out") : offline ? t("offline") : sending && waiting > 0 ? t("sending", { n: waiting }) : waiting > 0 ? t("waiting", { n: waiting }) : t("online"),
    (offline || signedOut) && waiting > 0 ? t("waiting", { n: waiting }) : "",
    !offline && waiting > 0 && left > 0 ? t("again_in", { s: left }) : "",
  ].filter(Boolean);
  const text = words.join(" · ");
  if (chip.textContent !== text) chip.textContent = text;
  chip.dataset.waiting = String(waiting);
  trouble.hidden = troubles === 0;
  trouble.textContent = t("trouble", { n: troubles });
  count("outbox", waiting + troubles);
  box.tellSkew(skew);
}

outbox.changed = () => {
  tell();
  void day.overlay().then(draw);
};
let looking = 0;
outbox.settled = () => {
  window.clearTimeout(looking);
  looking = window.setTimeout(() => void refresh(), 200);
};
for (const event of ["online", "offline"] as const) window.addEventListener(event, () => tell());
window.setInterval(tell, 1000);
runClocks(() => 0);

async function refresh(): Promise<void> {
  try {
    await day.refresh();
    draw();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    outbox.state.signedOut ||= error.status === 401;
    tell();
  }
}

show("tasks");
await outbox.count();
if (!had || navigator.onLine) await refresh();
outbox.now();
const live = new Live({ kinds: ["case", "plan"], onEvent: () => outbox.settled(), onReset: () => void refresh() });
window.addEventListener("pagehide", () => live.close());
sayReady();
await keepForOffline(day.today, session.pages.includes("field"));
document.body.dataset.kept = "";
