"""What an editor shows beside a config: numbers, problems, completion, names. `server` alone speaks its protocol."""
