/** The map wall. */

import { createMap, emptyStyle } from "../shared/map";

createMap({ container: "map", style: emptyStyle("#0b1320"), center: [116.4, 39.9], zoom: 11 });
