"""Documents: what a config's text says, before anything is expanded."""
