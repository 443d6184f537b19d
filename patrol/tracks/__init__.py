"""Where patrols, vehicles and drones really were."""
