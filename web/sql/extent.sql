-- Purpose: the box of all jurisdictions, in degrees: few rows, so no index.
SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
FROM (SELECT ST_Extent(geom) AS box FROM jurisdiction) whole
