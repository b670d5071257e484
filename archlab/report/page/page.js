"use strict";
(() => {
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];
  const filter = document.getElementById("filter");
  const baseline = document.getElementById("baseline");
  const shown = document.getElementById("shown");

  // -- values: numbers are in data-value, so that what is written does not matter
  const value = (row, column) => {
    if (column === 0) return row.dataset.name;
    const text = row.cells[column].dataset.value;
    return text === "" ? null : Number(text);
  };

  // -- sorting: by a click or a key on a heading; equal values and absent ones keep their order, the latter last
  function sort(column) {
    const head = heads[column];
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const sign = descending ? -1 : 1;
    const compare = (a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y);
    };
    body.append(...[...rows].sort(compare));
  }
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sort(column)));

  // -- filtering: words must be in the name; `macs < 5G` compares a figure
  const FACTORS = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30 };
  const letters = (text) => text.toLowerCase().replace(/[^a-z]/g, "");
  const keys = heads.map((head) => [head.dataset.key, head.textContent].map(letters));
  const names = heads.slice(1).flatMap((head) => [head.dataset.key, head.textContent.trim()]);
  const comparison = new RegExp(
    `(${names.sort((a, b) => b.length - a.length).join("|")})\\s*(<=|>=|<|>|=)\\s*([\\d.]+(?:e-?\\d+)?)\\s*([kmgt]i?)?b?(?=\\s|$)`,
    "gi",
  );
  function conditions(text) {
    const found = [];
    const rest = text.replace(comparison, (_all, name, sign, number, unit) => {
      const column = keys.findIndex((own) => own.includes(letters(name)));
      const limit = Number(number) * (FACTORS[(unit || "").toLowerCase()] ?? NaN);
      found.push((row) => {
        const own = column > 0 ? value(row, column) : null;
        if (own === null || Number.isNaN(limit)) return false;
        return { "<": own < limit, ">": own > limit, "<=": own <= limit, ">=": own >= limit, "=": own === limit }[sign];
      });
      return " ";
    });
    for (const word of rest.toLowerCase().split(/\s+/).filter(Boolean)) {
      found.push((row) => row.dataset.name.toLowerCase().includes(word));
    }
    return found;
  }

  // -- marks: the best of what is shown, and differences to the baseline
  function mark() {
    const visible = rows.filter((row) => !row.hidden);
    const base = rows.find((row) => row.dataset.name === baseline.value);
    heads.forEach((head, column) => {
      if (column === 0) return;
      const better = head.dataset.better;
      const known = visible.map((row) => value(row, column)).filter((x) => x !== null);
      const best = better === "less" ? Math.min(...known) : better === "more" ? Math.max(...known) : null;
      for (const row of rows) {
        const cell = row.cells[column];
        const own = value(row, column);
        cell.classList.toggle("best", best !== null && own === best && known.length > 1);
        const small = cell.querySelector("small");
        const from = base ? value(base, column) : null;
        const change = base && row !== base && own !== null && from ? (100 * (own - from)) / from : null;
        small.textContent = change === null ? "" : (change > 0 ? "+" : "") + change.toFixed(Math.abs(change) < 10 ? 1 : 0) + "%";
        const good = change !== null && better && change !== 0 && change < 0 === (better === "less");
        small.className = change === null || !better || change === 0 ? "" : good ? "good" : "bad";
      }
    });
    shown.textContent = `${visible.length} of ${rows.length}`;
  }
  function refresh() {
    const tests = conditions(filter.value);
    for (const row of rows) row.hidden = !tests.every((test) => test(row));
    mark();
  }
  filter.addEventListener("input", refresh);
  baseline.addEventListener("change", mark);
  document.getElementById("table-controls").addEventListener("submit", (event) => event.preventDefault());
  refresh();

  // -- charts
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const options = { renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false } };
  const embedded = Object.entries(specs).map(([id, spec]) => vegaEmbed(`#chart-${id}`, spec, options));
  window.chartsReady = Promise.all(embedded).then((found) => found.length);

  // -- printing: what is folded would be lost
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll(".network details")) details.open = true;
  });
})();
