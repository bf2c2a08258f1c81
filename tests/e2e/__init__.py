"""Home Assistant's own user interface in a real browser, with the integration and the simulator behind it."""
