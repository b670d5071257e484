"""Lower bounds of a layer's time on a device."""
