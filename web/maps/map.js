// Draws the layers of a stand-alone map. Every text goes in as text, never as markup.
(function () {
  "use strict";

  var SMALLEST_LABEL_PX = 30;

  function element(tag, className, text) {
    var node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function pathOptions(style, interactive) {
    return {
      color: style.color,
      weight: style.weight,
      opacity: 1,
      fill: style.fill !== undefined,
      fillColor: style.fill,
      fillOpacity: style.fill_opacity,
      dashArray: style.dash,
      stroke: style.weight > 0,
      interactive: interactive,
      smoothFactor: 0.6,
      lineJoin: "round",
    };
  }

  function popupContent(spec, index) {
    var box = element("div", "gb-popup");
    box.appendChild(element("p", "gb-popup-layer", spec.label));
    var list = element("dl");
    spec.fields.forEach(function (field, column) {
      var value = spec.rows[index][column];
      if (value === "") return;
      list.appendChild(element("dt", "", field));
      var cell = element("dd");
      value.split("\n").forEach(function (line) {
        cell.appendChild(element("p", "", line));
      });
      list.appendChild(cell);
    });
    box.appendChild(list);
    if (spec.weeks) box.appendChild(weekPicture(spec, index));
    return box;
  }

  // Seven rows of 24 squares, Monday first: the darker, the more. The words say the same.
  function weekPicture(spec, index) {
    var ns = "http://www.w3.org/2000/svg";
    var week = spec.weeks[index];
    var most = Math.max.apply(null, week) || 1;
    var svg = document.createElementNS(ns, "svg");
    svg.setAttribute("viewBox", "0 0 240 70");
    svg.setAttribute("class", "gb-week");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", spec.label + ": " + spec.rows[index].join(", "));
    week.forEach(function (count, hour) {
      var square = document.createElementNS(ns, "rect");
      square.setAttribute("x", (hour % 24) * 10);
      square.setAttribute("y", Math.floor(hour / 24) * 10);
      square.setAttribute("width", 9.4);
      square.setAttribute("height", 9.4);
      square.setAttribute("fill", "#00204d");
      square.setAttribute("fill-opacity", (0.05 + (0.95 * count) / most).toFixed(2));
      svg.appendChild(square);
    });
    var box = element("figure", "gb-figure");
    box.appendChild(svg);
    box.appendChild(element("figcaption", "", spec.weekNote));
    return box;
  }

  function latLng(point) {
    return L.latLng(point[1], point[0]);
  }

  function shape(spec, index) {
    var interactive = spec.fields.length > 0;
    var options = pathOptions(spec.styles[spec.cls[index]], interactive);
    var geometry = spec.geo[index];
    var path;
    if (geometry.type === "Point") {
      options.radius = spec.radii[index];
      path = L.circleMarker(latLng(geometry.coordinates), options);
    } else {
      var line = geometry.type === "LineString" || geometry.type === "MultiLineString";
      var depth = { LineString: 0, MultiLineString: 1, Polygon: 1, MultiPolygon: 2 };
      var points = L.GeoJSON.coordsToLatLngs(geometry.coordinates, depth[geometry.type]);
      path = line ? L.polyline(points, options) : L.polygon(points, options);
    }
    path.gbIndex = index;
    return path;
  }

  function textMarker(at, text, className) {
    // DivIcon takes a node, so that the text stays text.
    var icon = L.divIcon({ className: className, html: element("span", "", text), iconSize: null });
    return L.marker(at, { icon: icon, interactive: false, keyboard: false });
  }

  // Returns the Leaflet layer of one payload.
  function layer(spec) {
    var group = L.featureGroup();
    group.gb = spec;
    (spec.views || []).forEach(function (view) {
      var style = spec.styles[spec.styles.length - 1];
      var points = L.GeoJSON.coordsToLatLngs(view.coordinates, 1);
      L.polygon(points, pathOptions(style, false)).addTo(group);
    });
    spec.geo.forEach(function (_, index) {
      shape(spec, index).addTo(group);
    });
    if (spec.fields.length) {
      group.bindPopup(
        function (path) {
          return popupContent(spec, path.gbIndex);
        },
        { maxWidth: 380, minWidth: 220 }
      );
    }
    return group;
  }

  // Widths in degrees to pixels at the map's zoom.
  function pixelsOf(map, degrees) {
    var size = 256 * Math.pow(2, map.getZoom());
    return (degrees / 360) * size;
  }

  // Shrinks all circles alike until the largest fits a usual grid: areas stay comparable.
  function fitCircles(map, group) {
    var spec = group.gb;
    var widths = spec.room.slice().sort(function (a, b) { return a - b; });
    var room = pixelsOf(map, widths[Math.floor(widths.length / 2)]) / 2;
    var scale = Math.min(1, room / Math.max.apply(null, spec.radii));
    group.eachLayer(function (path) {
      path.setRadius(Math.max(1.5, spec.radii[path.gbIndex] * scale));
      path.setStyle({ weight: scale < 0.5 ? 0.5 : spec.styles[0].weight });
    });
  }

  // Keeps numbers and signs where they have room, and only while their layer is shown.
  function labels(map, group) {
    var spec = group.gb;
    var texts = spec.showNumbers ? spec.labels : spec.signs;
    if (!texts || !texts.length) return null;
    var box = L.layerGroup();
    texts.forEach(function (text, index) {
      if (!text) return;
      var at = spec.at ? spec.at[index] : spec.geo[index].coordinates;
      var marker = textMarker(latLng(at), text, "gb-label gb-label-" + spec.id);
      marker.gbRoom = spec.room[index];
      box.addLayer(marker);
    });
    return box;
  }

  function showLabels(map, box) {
    box.eachLayer(function (marker) {
      var node = marker.getElement();
      if (!node) return;
      var room = pixelsOf(map, marker.gbRoom);
      node.style.display = room >= SMALLEST_LABEL_PX ? "" : "none";
    });
  }

  function swatch(style) {
    var box = element("span", "gb-swatch gb-swatch-" + style.symbol);
    if (style.symbol === "line" || style.fill === undefined) {
      box.style.borderTop = Math.max(style.weight, 2) + "px " +
        (style.dash ? "dashed " : "solid ") + style.color;
      return box;
    }
    box.style.border = Math.max(style.weight, 1) + "px " + (style.dash ? "dashed " : "solid ") +
      (style.weight > 0 ? style.color : "transparent");
    var fill = element("span", "gb-swatch-fill");
    fill.style.background = style.fill;
    fill.style.opacity = style.fill_opacity;
    box.appendChild(fill);
    return box;
  }

  function legendSection(spec, note) {
    var section = element("section", "gb-legend-section");
    section.dataset.layer = spec.id;
    section.appendChild(element("h3", "", spec.label));
    var list = element("ul");
    spec.styles.forEach(function (style) {
      var item = element("li");
      item.appendChild(swatch(style));
      item.appendChild(element("span", "", style.label));
      list.appendChild(item);
    });
    section.appendChild(list);
    if (note) section.appendChild(element("p", "gb-note", note));
    return section;
  }

  // Puts the name of each group above its first layer in the switch.
  function groupHeads(box, layers) {
    var labels = box.querySelectorAll(".leaflet-control-layers-overlays label");
    var last = "";
    layers.forEach(function (group, index) {
      var name = group.gb.group;
      if (name && name !== last && labels[index]) {
        labels[index].before(element("h3", "gb-group", name));
      }
      last = name;
    });
  }

  // Puts layer switch, legend and labels in place once folium has made map and layers.
  function setup(map, control, layers, options) {
    var side = document.getElementById("gb-switch");
    side.appendChild(control.getContainer());
    groupHeads(side, layers);
    var legend = document.getElementById("gb-legend");
    var texts = layers.map(function (group) {
      return labels(map, group);
    });

    function refresh() {
      layers.forEach(function (group, index) {
        var shown = map.hasLayer(group);
        var section = legend.querySelector('[data-layer="' + group.gb.id + '"]');
        section.hidden = !shown;
        if (shown && group.bringToFront) group.bringToFront();
        if (shown && group.gb.id === "plan") fitCircles(map, group);
        var box = texts[index];
        if (!box) return;
        if (shown && !map.hasLayer(box)) map.addLayer(box);
        if (!shown && map.hasLayer(box)) map.removeLayer(box);
        if (shown) showLabels(map, box);
      });
    }

    layers
      .slice()
      .reverse()
      .forEach(function (group) {
        legend.appendChild(legendSection(group.gb, options.notes[group.gb.id]));
      });
    map.attributionControl.setPrefix("Leaflet");
    L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 140 }).addTo(map);
    map.on("overlayadd overlayremove zoomend", refresh);
    map.fitBounds(options.bounds, { padding: [16, 16], animate: false });
    map.getContainer().setAttribute("role", "application");
    map.getContainer().setAttribute("aria-label", options.label);
    refresh();
    document.body.dataset.ready = "";
  }

  window.gridbeat = { layer: layer, setup: setup };
})();
