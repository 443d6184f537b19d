-- Purpose: the airspace zones that legs of a flight touch while they are valid, at its heights.
-- Inputs:  :legs (WKB, longitude and latitude, z = true height above ground, one a leg), :lows
--          (lowest height of a leg where it is not the line's own: climb and descent, else
--          null), :takes_off, :lands, :jurisdiction, :margin_m, :crowd_margin_m, :margin_deg
--          (no less than the larger margin, for the index).
-- SRID:    4326. Index: idx_airspace_zone_geom (GiST).
-- Floors and ceilings are above ground, half-open: a leg at the ceiling is above the zone.
WITH leg AS (
    SELECT t.n - 1 AS leg, ST_SetSRID(ST_GeomFromWKB(t.wkb), 4326) AS geom, t.low
    FROM unnest(CAST(:legs AS bytea[]), CAST(:lows AS float8[])) WITH ORDINALITY AS t(wkb, low, n)
), near AS (
    SELECT leg.leg, leg.low, leg.geom AS flown, z.*,
           CASE WHEN z.kind = 'crowd' THEN CAST(:crowd_margin_m AS float8)
                ELSE CAST(:margin_m AS float8) END AS margin_m
    FROM leg
    JOIN airspace_zone z ON z.geom && ST_Expand(leg.geom, CAST(:margin_deg AS float8))
    JOIN feed f ON f.feed_id = z.feed_id AND f.jurisdiction_id = :jurisdiction
    WHERE z.valid_from < :lands AND z.valid_to > :takes_off
), touched AS (
    SELECT near.*, ST_Intersection(flown, ST_Buffer(geom::geography, margin_m)::geometry) AS inside
    FROM near
    WHERE ST_DWithin(flown::geography, geom::geography, margin_m)
), met AS (
    SELECT touched.*,
           coalesce(low, ST_ZMin(CASE WHEN ST_IsEmpty(inside) THEN flown ELSE inside END)) AS z_low,
           ST_ZMax(CASE WHEN ST_IsEmpty(inside) THEN flown ELSE inside END) AS z_high
    FROM touched
)
SELECT leg, zone_id, kind, name, authority, floor_m, ceiling_m,
       nullif(valid_from, '-infinity') AS valid_from, nullif(valid_to, 'infinity') AS valid_to,
       z_low, z_high
FROM met
WHERE z_high >= floor_m AND (ceiling_m IS NULL OR z_low < ceiling_m)
ORDER BY leg, zone_id
