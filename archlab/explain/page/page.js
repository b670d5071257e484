"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const rank = data.names.length;
  const range = (count) => [...Array(Math.max(0, count)).keys()];
  const product = (lists) => lists.reduce((all, list) => all.flatMap((head) => list.map((item) => [...head, item])), [[]]);
  const same = (a, b) => a.every((value, index) => value === b[index]);

  // One axis: units, what each reads, and where the kernel lies ([place, number of the weight]).

  function sliding(o) {
    const reach = o.dilation * (o.kernel - 1) + 1;
    const units = Math.floor((o.size + 2 * o.padding - reach) / o.stride) + 1;
    const taps = range(units).map((unit) =>
      range(o.kernel).map((tap) => [unit * o.stride - o.padding + tap * o.dilation, tap]));
    return finish(o, units, 1, taps);
  }

  function transposed(o) {
    const units = (o.size - 1) * o.stride - 2 * o.padding + o.dilation * (o.kernel - 1) + o.extra + 1;
    const taps = range(units).map((unit) =>
      range(o.kernel).reverse().map((tap) => [unit + o.padding - tap * o.dilation, tap]));
    return finish(o, units, o.stride, taps);
  }

  function finish(o, units, step, taps) {
    const reads = taps.map((own) => own.map(([place]) => place)
      .filter((place) => place % step === 0 && place >= 0 && place / step < o.size).map((place) => place / step));
    return {size: o.size, units, step, taps, reads};
  }

  function axisOf(options) {
    if (data.arithmetic === "sliding") return sliding(options);
    return data.arithmetic === "transposed" ? transposed(options) : options;
  }

  function extent(axis) {
    const places = axis.taps.flat().map(([place]) => place);
    return [Math.min(0, ...places), Math.max((axis.size - 1) * axis.step, ...places)];
  }

  const kindAlong = (axis, place) =>
    place < 0 || place > (axis.size - 1) * axis.step ? "padding" : place % axis.step ? "zero" : "input";

  function kind(axes, place) {
    const kinds = axes.map((axis, at) => kindAlong(axis, place[at]));
    return kinds.includes("padding") ? "padding" : kinds.includes("zero") ? "zero" : "input";
  }

  function fault(options) {
    const axis = axisOf(options);
    if (data.arithmetic === "transposed")
      return axis.units < 1 ? `the padding cuts off all of the output` : options.extra >= Math.max(options.stride, options.dilation) ? "output_padding must be smaller than the stride or the dilation" : "";
    const reach = options.dilation * (options.kernel - 1) + 1;
    if (axis.units < 1)
      return `the kernel covers ${reach} positions, but the padded input has only ${options.size + 2 * options.padding}`;
    return data.isPool && options.padding > options.kernel / 2 ? "padding should be at most half of the kernel" : "";
  }

  // State: the options of each axis, those that are alike moved by one slider.

  let options = data.axes.map((axis) => ({...axis}));
  const alike = options.every((one) => JSON.stringify(one) === JSON.stringify(options[0]));
  let axes = options.map(axisOf);
  const boards = {input: document.getElementById("input"), output: document.getElementById("output")};
  const cells = {input: new Map(), output: new Map()};
  let marked = null;

  const words = (place) => (rank > 1 ? `(${place.join(", ")})` : String(place[0]));
  const key = (place) => place.join(",");

  function reads(unit) {
    if (data.read.length) return data.read[0][key(unit)];
    return product(unit.map((at, axis) => axes[axis].reads[at]));
  }

  function readers(position) {
    return product(axes.map((axis) => range(axis.units))).filter((unit) => reads(unit).some((place) => same(place, position)));
  }

  const lattice = (position) => position.map((at, axis) => at * axes[axis].step);
  const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  const lettered = () => data.hasWeights && data.arithmetic !== "" &&
    options.reduce((all, own) => all * own.kernel, 1) <= letters.length;

  function letter(numbers) {
    return lettered() ? letters[numbers.reduce((index, number, axis) => index * options[axis].kernel + number, 0)] : "\u2022";
  }

  // Drawing

  function draw() {
    const input = axes.map(extent);
    fill("input", input.map(([low, high]) => range(high - low + 1).map((at) => at + low)));
    fill("output", axes.map((axis) => range(axis.units)));
    document.getElementById("input-caption").textContent = `input ${axes.map((axis) => axis.size).join(" x ")}`;
    document.getElementById("output-caption").textContent = `output ${axes.map((axis) => axis.units).join(" x ")}`;
    marked = null;
    fit();
    legend();
    const middle = axes.map((axis) => Math.floor(axis.units / 2));
    mark("output", middle);
  }

  function fill(which, along) {
    const board = boards[which], rows = rank > 1 ? along[0] : [null];
    board.replaceChildren();
    cells[which].clear();
    board.setAttribute("aria-label", which);
    for (const row of rows) {
      const line = document.createElement("div");
      line.setAttribute("role", "row");
      for (const column of along[along.length - 1]) {
        const place = row === null ? [column] : [row, column];
        const cell = document.createElement("span");
        const what = which === "input" ? kind(axes, place) : "output";
        cell.setAttribute("role", "gridcell");
        cell.tabIndex = -1;
        cell.dataset.place = key(place);
        cell.dataset.kind = what;
        const own = what === "input" ? place.map((at, axis) => at / axes[axis].step) : place;
        cell.setAttribute("aria-label", what === "padding" ? "outside of the map" : what === "zero" ? "a zero" : `${which} ${words(own)}`);
        line.append(cell);
        cells[which].set(key(place), cell);
      }
      board.append(line);
    }
    const first = board.querySelector(`[data-kind=${which}]`);
    if (first) first.tabIndex = 0;
  }

  function clean() {
    for (const which of ["input", "output"]) {
      for (const cell of cells[which].values()) {
        cell.className = cell.dataset.kind === "padding" || cell.dataset.kind === "zero" ? cell.dataset.kind : "";
        cell.textContent = cell.dataset.kind === "zero" ? "0" : "";
      }
    }
  }

  function mark(which, place) {
    clean();
    marked = {which, place};
    const said = document.getElementById("said");
    if (which === "output") {
      const taps = product(place.map((at, axis) => axes[axis].taps[at]));
      let outside = 0, zeros = 0;
      const read = reads(place);
      for (const own of read) cells.input.get(key(lattice(own))).classList.add("read");
      if (!data.read.length) {
        for (const tap of taps) {
          const at = tap.map(([position]) => position), cell = cells.input.get(key(at)), what = kind(axes, at);
          if (what === "input") cell.textContent = letter(tap.map(([, number]) => number));
          else {
            cell.classList.add("over");
            if (what === "zero") zeros += 1; else outside += 1;
          }
        }
      } else for (const own of read) cells.input.get(key(lattice(own))).textContent = "\u2022";
      cells.output.get(key(place)).classList.add("unit");
      const more = [zeros ? `${zeros} zero${zeros === 1 ? "" : "s"} between them` : "", outside ? `${outside} outside of the map` : ""].filter(Boolean);
      said.textContent = `Output ${words(place)} reads ${read.length} input position${read.length === 1 ? "" : "s"}` +
        (more.length ? `; its kernel also lies over ${more.join(" and ")}.` : ".");
    } else {
      const found = readers(place);
      for (const unit of found) cells.output.get(key(unit)).classList.add("unit");
      cells.input.get(key(lattice(place))).classList.add("read");
      said.textContent = `Input ${words(place)} is read by ${found.length} output unit${found.length === 1 ? "" : "s"}: its projective field.`;
    }
  }

  function answer(event) {
    const cell = event.target.closest("[role=gridcell]");
    if (!cell || !cell.dataset.place) return;
    const board = cell.closest("[role=grid]"), place = cell.dataset.place.split(",").map(Number);
    for (const other of board.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    cell.tabIndex = 0;
    if (board === boards.output) mark("output", place);
    else if (cell.dataset.kind === "input") mark("input", place.map((at, axis) => at / axes[axis].step));
  }

  function walk(event) {
    const cell = event.target.closest("[role=gridcell]");
    const steps = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
    if (!cell || !(steps || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    const row = cell.parentElement, column = [...row.children].indexOf(cell);
    let next = null;
    if (event.key === "Home") next = row.firstElementChild;
    else if (event.key === "End") next = row.lastElementChild;
    else {
      const rows = [...row.parentElement.children], line = rows[rows.indexOf(row) + steps[0]];
      next = line && line.children[column + steps[1]];
    }
    if (next) next.focus();
  }

  for (const board of Object.values(boards)) {
    for (const name of ["pointerover", "focusin", "click"]) board.addEventListener(name, answer);
    board.addEventListener("keydown", walk);
  }

  function fit() {
    const wide = document.querySelector("main").clientWidth, columns = (axis, lattices) => {
      const [low, high] = extent(axis);
      return lattices ? high - low + 1 : axis.units;
    };
    const last = axes[rank - 1], most = Math.max(columns(last, true), columns(last, false));
    const side = Math.max(7, Math.min(40, Math.floor((rank > 1 && wide > 700 ? wide / 2 - 40 : wide - 2) / most)));
    for (const board of Object.values(boards)) board.style.setProperty("--side", `${side}px`);
  }
  addEventListener("resize", fit);

  // Sliders

  const LIMITS = {size: rank > 1 ? 16 : 32, kernel: 7, stride: 5, padding: 6, dilation: 4, extra: 3};
  const LEAST = {size: 1, kernel: 1, stride: 1, padding: 0, dilation: 1, extra: 0};
  const NAMES = {size: "input", kernel: "kernel_size", stride: "stride", padding: "padding", dilation: "dilation", extra: "output_padding"};

  function sliders() {
    const form = document.getElementById("sliders");
    if (!data.arithmetic) { form.hidden = true; return; }
    const sets = alike ? [[range(rank), ""]] : range(rank).map((axis) => [[axis], ` ${data.names[axis]}`]);
    for (const [which, suffix] of sets) {
      for (const name of Object.keys(NAMES)) {
        if (name === "extra" && data.arithmetic !== "transposed") continue;
        if (name === "dilation" && !data.hasDilation) continue;
        const label = document.createElement("label"), input = document.createElement("input"), output = document.createElement("output");
        const value = options[which[0]][name];
        Object.assign(input, {type: "range", min: LEAST[name], max: Math.max(LIMITS[name], value), step: 1, id: `${name}${suffix.trim()}`});
        input.value = value;
        output.textContent = value;
        input.addEventListener("input", () => {
          output.textContent = input.value;
          for (const axis of which) options[axis][name] = Number(input.value);
          update();
        });
        label.append(`${NAMES[name]}${suffix}`, input, output);
        form.append(label);
      }
    }
  }

  function formula() {
    const up = data.arithmetic === "transposed";
    const head = up ? "(in - 1) x stride - 2 x padding + dilation x (kernel - 1) + output_padding + 1"
      : "floor((in + 2 x padding - dilation x (kernel - 1) - 1) / stride) + 1";
    const lines = (alike ? [0] : range(rank)).map((axis) => {
      const o = options[axis];
      const numbers = up ? `(${o.size} - 1) x ${o.stride} - 2 x ${o.padding} + ${o.dilation} x (${o.kernel} - 1) + ${o.extra} + 1`
        : `floor((${o.size} + 2 x ${o.padding} - ${o.dilation} x (${o.kernel} - 1) - 1) / ${o.stride}) + 1`;
      return `${alike ? "" : `${data.names[axis]}: `}out = ${numbers} = ${axes[axis].units}`;
    });
    document.getElementById("formula").textContent = data.arithmetic ? [`out = ${head}`, ...lines].join("\n") : "";
  }

  function update() {
    const wrong = options.map(fault).find(Boolean) || "";
    const place = document.getElementById("fault");
    place.hidden = !wrong;
    place.textContent = wrong;
    document.getElementById("maps").hidden = Boolean(wrong);
    if (wrong) { document.getElementById("said").textContent = ""; document.getElementById("formula").textContent = ""; return; }
    axes = options.map(axisOf);
    formula();
    draw();
  }

  function legend() {
    const kinds = new Set([...cells.input.values()].map((cell) => cell.dataset.kind));
    const entries = [["read", lettered() ? "a" : "\u2022", lettered() ? "read; the letter is its weight" : "read"], ["unit", "", "output unit"]];
    if (kinds.has("padding")) entries.push(["padding", "", "outside of the map"]);
    if (kinds.has("zero")) entries.push(["zero", "0", "a zero between two positions"]);
    if (kinds.size > 1 && !data.read.length) entries.push(["over", "", "the kernel lies here too"]);
    document.getElementById("legend").replaceChildren(...entries.map(([name, text, meaning]) => {
      const item = document.createElement("li"), cell = document.createElement("span");
      cell.className = `key ${name}`;
      cell.setAttribute("aria-hidden", "true");
      cell.textContent = text;
      item.append(cell, meaning);
      return item;
    }));
  }

  sliders();
  update();

  // For tests: what one axis with these options is.
  window.layerAxis = (own) => (fault(own) ? {fault: fault(own)} : axisOf(own));
})();
