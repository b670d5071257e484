"""The commands with what they do, in the groups of the help."""

from __future__ import annotations

GROUPS: dict[str, dict[str, str]] = {
    "analyse": {
        "analyze": "the numbers of one network, layer by layer",
        "compare": "one row per network",
        "diff": "what changed between two networks",
        "memory": "bytes alive in a forward pass or a training step, and who holds them",
        "time": "a bound for each layer's time on a device (roofline)",
        "receptive-field": "what one unit sees, and how much of it matters",
    },
    "design": {
        "new": "a commented config to start from",
        "studio": "a page that shows a config's numbers as you write it, in your browser",
        "watch": "the table again whenever the config is saved, with what changed",
        "sweep": "every design of a space with its figures, or the exact Pareto front",
        "fit": "the best design within limits: the largest width, depth, input or receptive field",
        "presets": "the networks that come with archlab",
    },
    "check": {
        "validate": "problems, and the figures that configs expect",
        "check": "networks held to limits: params, MACs, memory, receptive field",
        "lint": "what design rules find in a network that is valid",
    },
    "build and prove, with PyTorch": {
        "build": "the PyTorch model",
        "verify": "the numbers against the built model, layer by layer",
        "measure": "run the built model, beside the roofline and the predicted memory",
    },
    "draw and learn": {
        "diagram": "stages, blocks and skips as SVG, PDF, Mermaid or DOT",
        "explain": "one layer's formulas with its numbers, or why tools count differently",
    },
    "read and write configs": {
        "import": "a network of timm, torchvision, ONNX, Darknet or your own code as a config",
        "expand": "the network without blocks and params, as a config",
        "fmt": "write configs the one way: order of keys, spacing, aligned comments",
    },
    "serve shells, editors and agents": {
        "schema": "the JSON Schema of the language, for editors",
        "lsp": "numbers, problems and completion in your editor, as you type (Language Server Protocol)",
        "mcp": "the commands as tools for agents (Model Context Protocol), over stdin and stdout",
        "completion": "a script that completes commands, options, presets and files in a shell",
    },
}
"""Name to summary, in the groups and the order of the help."""
COMMANDS: dict[str, str] = {name: text for commands in GROUPS.values() for name, text in commands.items()}
"""The same without groups."""
