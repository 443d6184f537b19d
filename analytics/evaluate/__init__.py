"""How well forecasts did so far: rolling origins, scores, intervals and the choice."""
