/** Service stations with the households in reach of them, and those who work with the grids. */

import { call } from "../shared/api";
import { toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { named, number } from "../shared/words";
import type { Partner, Reach } from "./data";
import { attempt, labelled, note, sendForm, table } from "./parts";
import { t } from "./words";

const PARTNER_KINDS = ["seconded", "volunteer", "social", "enterprise", "institution", "other"] as const;
let reachM = 500;

const percent = (share: number | null): string => (share === null ? "—" : `${number(share * 100, 1)} %`);

export function stationsTab(choose: (code: string) => void): HTMLElement {
  const field = h("input", { type: "number", id: "reach", min: 50, max: 5000, step: 50, value: reachM });
  const told = h("div", { "aria-live": "polite" });
  const measure = async (): Promise<void> => {
    told.replaceChildren(note(t("measuring")));
    const reach = await call<Reach>(`/api/v1/posts/stations?reach_m=${reachM}`);
    told.replaceChildren(
      h("p", {}, t("stations_n", { n: reach.stations })),
      reach.share === null
        ? note(t("reach_unknown"))
        : h("p", { class: "figure" }, t("reach", { share: percent(reach.share), near: number(Math.round(reach.share * reach.households)), all: number(reach.households), m: number(reach.reach_m) })),
      table(t("stations"), [t("grid"), t("households"), t("share")], reach.grids.map((one) => [
        h("button", { type: "button", class: "link", onclick: () => choose(one.code) }, named(one)), number(one.households), h("span", { class: one.share !== null && one.share < 0.5 ? "short" : "" }, percent(one.share)),
      ])),
    );
  };
  field.addEventListener("change", () => {
    if (!field.checkValidity()) return void field.reportValidity();
    reachM = Number(field.value);
    void attempt(measure);
  });
  void attempt(measure);
  return h("div", {}, labelled(t("reach_m"), field), told);
}

export async function partnersTab(editable: boolean, reload: () => Promise<void>): Promise<HTMLElement> {
  const { partners } = await call<{ partners: Partner[] }>("/api/v1/posts/partners");
  const found = h("div", {});
  if (partners.length === 0) found.append(note(t("no_partners")));
  else {
    found.append(table(t("partners"), [t("partners"), t("kind"), t("headcount"), t("services")], partners.map((one) => [
      h("span", {}, named(one), h("small", {}, one.code)), t(one.kind as (typeof PARTNER_KINDS)[number]), number(one.headcount), one.services.join("、"),
    ])));
  }
  if (editable) found.append(partnerForm(reload));
  return found;
}

function partnerForm(reload: () => Promise<void>): HTMLElement {
  const code = h("input", { id: "partner-code", required: true, maxlength: 40, pattern: "[A-Za-z0-9_.\\-]+", autocomplete: "off" });
  const zh = h("input", { id: "partner-name", required: true, maxlength: 100 });
  const en = h("input", { id: "partner-name-en", required: true, maxlength: 100 });
  const kind = h("select", { id: "partner-kind" }, ...PARTNER_KINDS.map((one) => h("option", { value: one }, t(one))));
  const heads = h("input", { id: "partner-heads", type: "number", min: 0, max: 100000, value: 0 });
  const services = h("input", { id: "partner-services", maxlength: 500, placeholder: t("services_hint") });
  const fields = [
    labelled(t("code"), code), labelled(t("kind"), kind), labelled(t("name_zh"), zh), labelled(t("name_en"), en),
    labelled(t("headcount"), heads), labelled(t("services"), services),
  ];
  return sendForm(t("add_partner"), fields, t("save"), async () => {
    const list = services.value.split(/[、,，;；]/).map((one) => one.trim()).filter(Boolean);
    await call(`/api/v1/posts/partners/${encodeURIComponent(code.value.trim())}`, {
      method: "PUT",
      body: { name: zh.value, name_en: en.value, kind: kind.value, headcount: Number(heads.value), services: list },
    });
    toast(t("saved"));
    await reload();
  });
}
