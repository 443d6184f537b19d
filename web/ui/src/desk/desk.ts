/** The desk: a call comes in on the left, the queue waits in the middle, one case stands on the right. */

import { call, readSession } from "../shared/api";
import { runClocks, nameLevels } from "../shared/cases";
import { toast } from "../shared/dialog";
import { byId, h } from "../shared/dom";
import { Live, type LiveState } from "../shared/live";
import { beginPage, sayReady } from "../shared/page";
import { CasePane } from "./case";
import { Intake } from "./intake";
import { DeskMap } from "./map";
import { Queue, setZone } from "./queue";
import type { Choices } from "./types";
import { t } from "./words";

await beginPage("desk", { title: t("title") });
const session = await readSession();
const main = byId("main");
main.append(
  h("h1", { class: "quiet" }, t("title")),
  h("section", { id: "intake", "aria-label": t("intake") }),
  h("section", { id: "queue", "aria-label": t("queue") }),
  h("section", { id: "side", "aria-label": t("case") }, h("div", { id: "map" }), h("div", { id: "case" })),
  h("footer", { id: "live", role: "status" }),
);
const choices = await call<Choices>("/api/v1/case-words");
setZone(choices.zone);
nameLevels(choices.levels);
const map = await DeskMap.make(byId("map"));
const pane = new CasePane(byId("case"), choices, session.login ?? "", (view) => map.show(view));
const queue = new Queue(byId("queue"), choices, {
  open: (caseId) => void pane.open(caseId),
  take: (report) => intake.take(report),
  drawn: (rows) => map.draw(rows),
});
const intake = new Intake(byId("intake"), choices, map, {
  filed: (view) => {
    pane.put(view);
    void queue.load();
  },
  open: (caseId) => void pane.open(caseId),
});
pane.changed = () => void queue.load();
map.opened = (caseId) => void pane.open(caseId);
runClocks(() => queue.offset);

let waiting = 0;
new Live({
  kinds: ["case", "incident"],
  onEvent: (kind, body) => {
    if (kind === "case") pane.hear(Number(body.case_id));
    window.clearTimeout(waiting); // several steps in one moment are one look
    waiting = window.setTimeout(() => void queue.load(), 250);
  },
  onState: tellState,
  onReset: () => void queue.load(),
});

function tellState(state: LiveState): void {
  const place = byId("live");
  place.dataset.state = state;
  place.textContent = t(`live_${state}`);
  if (state === "signed-out") toast(t("live_signed-out"), { bad: true });
}

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  if (key === "n") intake.begin();
  else if (key === "q") queue.focus();
  else if (key === "c") byId("case").focus();
  else if (/^[1-3]$/.test(key)) intake.choose(Number(key) - 1);
  else return;
  event.preventDefault();
});
intake.begin();
await queue.load();
sayReady();
