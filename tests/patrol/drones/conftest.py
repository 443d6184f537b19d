"""A small mission with all that Gridbeat writes itself, and a checked way into MAVSDK."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from mavsdk import ComponentType, Configuration, Mavsdk
from mavsdk.plugins.mission_raw import MissionRaw
from pymavlink.dialects.v20 import common

from patrol.drones.mission import (
    RETURN,
    TAKEOFF,
    TRIGGER_DISTANCE,
    Fence,
    Mission,
    action,
    place,
)


@pytest.fixture
def mission():
    """Give a square with take-off, pictures by distance, a hold, a return and a fence."""
    items = (
        place(1, 121.05, 35.60, 60.0, command=TAKEOFF),
        place(2, 121.051, 35.601, 80.0),
        action(3, TRIGGER_DISTANCE, 40.0, 0.0, 1.0),
        place(4, 121.053, 35.601, 80.0),
        place(5, 121.053, 35.6025, 80.0),
        action(6, TRIGGER_DISTANCE),
        place(7, 121.051, 35.6025, 75.5, hold_s=12.0),
        action(8, RETURN),
    )
    corners = np.array([(121.04, 35.59), (121.06, 35.59), (121.06, 35.61), (121.04, 35.61)])
    return Mission(
        name="square", items=items, home=(121.05, 35.60, 12.0),
        fences=(Fence(True, corners), Fence(False, np.array([[121.0405, 35.5905]]), 20.0)),
        speed_m_s=8.0,
    )  # fmt: skip


@pytest.fixture(scope="session")
def mavsdk():
    """Give MAVSDK's mission reader, connected to nothing but heartbeats of this process."""
    station = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
    station.add_any_connection("raw://")
    pilot = common.MAVLink(None, srcSystem=1, srcComponent=1)
    done = threading.Event()

    def beat():
        while not done.is_set():
            beat = pilot.heartbeat_encode(
                common.MAV_TYPE_QUADROTOR, common.MAV_AUTOPILOT_PX4, 0, 0, 4
            )
            station.pass_received_raw_bytes(beat.pack(pilot))
            done.wait(0.2)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not station.get_systems() and time.monotonic() < until:
        time.sleep(0.05)
    plugin = MissionRaw(station.get_systems()[0])
    yield plugin
    done.set()
    thread.join()
    plugin.destroy()
    station.destroy()
