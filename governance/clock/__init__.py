"""Working time: calendars, open hours, and the deadlines that follow from them."""
