"""Which units of every map one input position reaches."""
