"""Problem class -> means, time window, dwell, checklist and evidence (对症下药)."""
