"""What an expert would remark about a network that is valid: design rules, a file each."""
