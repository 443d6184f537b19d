/** The map wall. */

import { beginPage } from "../shared/page";
import { createMap } from "../shared/map";

await beginPage("wall", { title: "Wall", fallback: "night" });
await createMap({ container: "map", center: [121.02, 35.61], zoom: 13 });
