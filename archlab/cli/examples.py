"""Two examples of each command, and the page of the docs that says more."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, str]] = {
    "analyze": ("archlab analyze resnet50", "archlab analyze net.yaml --set width=32 --depth all --sort=-macs"),
    "compare": (
        "archlab compare resnet50 mobilenet_v2 --columns params,macs,memory",
        "archlab compare resnet50 mobilenet_v2 -o mobile.html",
    ),
    "diff": ("archlab diff resnet18 resnet34", "archlab diff mobilenet_v2 --set width_mult=0.5"),
    "memory": (
        "archlab memory resnet50 --training --batch 32 --fit 24GiB",
        "archlab memory unet --training -o unet.png",
    ),
    "time": ("archlab time resnet50 --device a100", "archlab time mobilenet_v2 --device a100 --dtype int8 --depth all"),
    "receptive-field": (
        "archlab receptive-field resnet50 --layer layer2.0.conv2",
        "archlab receptive-field unet --projective --at 10,10",
    ),
    "new": ("archlab new mynet", "archlab new mynet --from resnet50"),
    "studio": ("archlab studio net.yaml", "archlab studio resnet --port 8123 --no-browser"),
    "watch": ("archlab watch net.yaml", "archlab watch net.yaml@small --depth 1"),
    "sweep": (
        "archlab sweep mobilenet_v2 --vary width_mult=0.25..1:0.25 --where 'macs <= 150M'",
        "archlab sweep resnet --vary d3=1..23 --vary width_per_group=[32,64] --pareto macs,receptive_field",
    ),
    "fit": (
        "archlab fit resnet --vary d3=1..36 --where 'macs <= 6G' --maximize receptive_field",
        "archlab fit mobilenet_v2 --vary width_mult=0.1..1:0.1 --where 'macs <= 100M' --maximize params -o fit.yaml",
    ),
    "presets": ("archlab presets 'mobile*'", "archlab presets resnet --columns params,macs --sort=-params"),
    "validate": ("archlab validate net.yaml", "archlab validate configs --format github"),
    "check": (
        "archlab check resnet50 --max-params 30M --max-macs 5G",
        "archlab check person96.yaml --device stm32f746",
    ),
    "lint": ("archlab lint resnet50 unet", "archlab lint configs --off border-layer --strict"),
    "build": ("archlab build resnet50 -o resnet50.py", "archlab build resnet50 -o resnet50.onnx"),
    "verify": ("archlab verify resnet50", "archlab verify resnet18 --receptive-field --memory"),
    "measure": ("archlab measure resnet18", "archlab measure resnet50 --device cuda --roofline a100 --batch 32"),
    "import": (
        "archlab import torchvision:resnet18 -o resnet18.yaml",
        "archlab import model.onnx --verify -o model.yaml",
    ),
    "expand": ("archlab expand resnet50", "archlab expand resnet50 --set num_classes=10 -o flat.yaml"),
    "fmt": ("archlab fmt net.yaml", "archlab fmt configs --check"),
    "schema": ("archlab schema -o archlab.schema.json", "archlab schema"),
    "diagram": ("archlab diagram unet -o unet.svg", "archlab diagram resnet50 --depth 1"),
    "explain": (
        "archlab explain resnet50 layer2.0.conv2",
        "archlab explain conv2d kernel_size=3 stride=2 padding=1 --input 1x5x5 --animate -o conv.svg",
    ),
    "lsp": ("archlab lsp", "archlab lsp --hints shape,params"),
    "mcp": ("archlab mcp --folder nets", "archlab mcp --time-limit 60"),
    "completion": (
        "source <(archlab completion bash)",
        "archlab completion fish > archlab.fish",
    ),
}

PAGES: dict[str, str] = {
    "analyze": "docs/numbers.md",
    "compare": "docs/reports.md",
    "diff": "docs/commands.md",
    "memory": "docs/memory.md",
    "time": "docs/time.md",
    "receptive-field": "docs/receptive-field.md",
    "new": "docs/language.md",
    "studio": "docs/studio.md",
    "watch": "docs/commands.md",
    "sweep": "docs/sweep.md",
    "fit": "docs/sweep.md",
    "presets": "docs/commands.md",
    "validate": "docs/problems.md",
    "check": "docs/budgets.md",
    "lint": "docs/lint.md",
    "build": "docs/commands.md",
    "verify": "docs/numbers.md",
    "measure": "docs/time.md",
    "import": "docs/import.md",
    "expand": "docs/language.md",
    "fmt": "docs/language.md",
    "schema": "docs/language.md",
    "diagram": "docs/reports.md",
    "explain": "docs/explain.md",
    "lsp": "docs/editor.md",
    "mcp": "docs/mcp.md",
    "completion": "docs/commands.md",
}
