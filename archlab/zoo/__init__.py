"""The networks that come with archlab: their rows, and a config to start from."""
