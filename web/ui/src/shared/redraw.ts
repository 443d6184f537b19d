/** Drawing a part of a page anew under the hands of who uses it: focus and a press are not lost. */

type Part = Node | string | null | undefined | false;

/** A press that never ends (let go outside the window) holds a part back no longer than this. */
const LONGEST_PRESS_MS = 10_000;
/** On a touch screen the click comes a little after the finger has left. */
const CLICK_MS = 60;

let pressed: Element | null = null;
let release = 0;
const waiting = new Map<HTMLElement, Part[]>();

/** Put new children in a place: focus stays on the same thing, and what is pressed there is clicked first. */
export function redraw(place: HTMLElement, ...parts: Part[]): void {
  if (pressed !== null && place.contains(pressed)) {
    waiting.set(place, parts);
    return;
  }
  waiting.delete(place);
  const held = place.contains(document.activeElement) && document.activeElement !== place ? (document.activeElement as HTMLElement) : null;
  const found = held && trace(place, held);
  place.replaceChildren(...parts.filter((part): part is Node | string => part !== null && part !== undefined && part !== false));
  if (found === null || document.activeElement === held) return;
  const again = alike(place, found.key)[found.nth] ?? (place.hasAttribute("tabindex") ? place : null);
  again?.focus({ preventScroll: true });
}

/** What an element is called, and the how manieth of that name it is. */
function trace(place: HTMLElement, element: HTMLElement): { key: string; nth: number } {
  const key = keyOf(place, element);
  return { key, nth: Math.max(0, alike(place, key).indexOf(element)) };
}

function alike(place: HTMLElement, key: string): HTMLElement[] {
  const tag = key.slice(0, key.indexOf(" "));
  return [...place.querySelectorAll<HTMLElement>(tag)].filter((one) => keyOf(place, one) === key);
}

/** Its number; or its first datum, its label and the datum of what it stands in: no words that a clock changes. */
function keyOf(place: HTMLElement, element: HTMLElement): string {
  const tag = element.localName;
  if (element.id) return `${tag} #${element.id}`;
  const parts = [datum(element), ...["name", "value", "aria-label"].map((name) => element.getAttribute(name) ?? "")];
  let row = element.parentElement;
  while (row !== null && row !== place && datum(row) === "") row = row.parentElement;
  const isInRow = row !== null && row !== place;
  if (parts.join("") === "") parts.push(isInRow ? element.className : element.textContent);
  return `${tag} ${parts.join("|")}|${isInRow ? datum(row!) : ""}`;
}

/** The first of its data that is more than a mark. */
function datum(element: HTMLElement): string {
  const found = Object.entries(element.dataset).find(([, value]) => value !== "");
  return found ? found.join("=") : "";
}

function begin(target: EventTarget | null): void {
  window.clearTimeout(release);
  pressed = target instanceof Element ? target : null;
  release = window.setTimeout(end, LONGEST_PRESS_MS);
}

function end(): void {
  window.clearTimeout(release);
  pressed = null;
  release = window.setTimeout(() => {
    for (const [place, parts] of [...waiting]) redraw(place, ...parts);
  }, CLICK_MS);
}

document.addEventListener("pointerdown", (event) => begin(event.target), true);
for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, end, true);
// A button is pressed by Space when the key is let go: it must still be there.
document.addEventListener("keydown", (event) => event.key === " " && begin(event.target), true);
document.addEventListener("keyup", (event) => event.key === " " && end(), true);
