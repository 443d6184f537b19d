/** Where the device is, asked once or followed. */

export interface Fix {
  lon: number;
  lat: number;
  accuracy_m: number;
}

function fixOf(found: GeolocationPosition): Fix {
  return { lon: found.coords.longitude, lat: found.coords.latitude, accuracy_m: Math.round(found.coords.accuracy) };
}

/** Return the position, or null where the device gives none in time. */
export function findPosition(wait_ms = 8000): Promise<Fix | null> {
  if (!("geolocation" in navigator)) return Promise.resolve(null);
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition((found) => resolve(fixOf(found)), () => resolve(null), {
      enableHighAccuracy: true, timeout: wait_ms, maximumAge: 15_000,
    });
  });
}

/** Follow the position until what is returned is called. */
export function followPosition(onFix: (fix: Fix) => void, onFail: (why: string) => void): () => void {
  if (!("geolocation" in navigator)) {
    onFail("—");
    return () => undefined;
  }
  const watch = navigator.geolocation.watchPosition((found) => onFix(fixOf(found)), (error) => onFail(error.message), {
    enableHighAccuracy: true, maximumAge: 5000,
  });
  return () => navigator.geolocation.clearWatch(watch);
}
