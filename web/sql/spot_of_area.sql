-- Purpose: a point in an area for a report that names no point, with how far off it may be.
-- Inputs:  area; the point lies inside (EPSG:4326), accuracy_m is the radius of a circle of the
--          area's size. Index: pk_area.
SELECT a.jurisdiction_id, ST_X(p.point) AS lon, ST_Y(p.point) AS lat, a.area_id, a.name AS area,
       coalesce(a.name_en, a.name) AS area_en,
       sqrt(ST_Area(ST_Transform(a.geom, j.metric_srid)) / pi()) AS accuracy_m
FROM area a JOIN jurisdiction j USING (jurisdiction_id),
     LATERAL (SELECT ST_PointOnSurface(a.geom) AS point) p
WHERE a.area_id = %(area)s
