"use strict";
(() => {
  // -- the table of figures, which a page of one network has not
  const table = document.getElementById("table");
  if (table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...body.rows];
    const filter = document.getElementById("filter");
    const baseline = document.getElementById("baseline");
    const shown = document.getElementById("shown");
    const none = document.getElementById("none");

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
      for (const row of rows) {
        row.hidden = !tests.every((test) => test(row));
        const fold = document.querySelector(`details.folded${row.querySelector("a").hash}`);
        if (fold) fold.hidden = row.hidden;
      }
      none.hidden = rows.some((row) => !row.hidden);
      none.textContent = none.hidden ? "" : `No network matches \u201c${filter.value}\u201d: give a part of a name, or a figure such as macs < 5G.`;
      mark();
    }
    filter.addEventListener("input", refresh);
    baseline.addEventListener("change", mark);
    document.getElementById("table-controls").addEventListener("submit", (event) => event.preventDefault());
    refresh();
  }

  // -- networks that are folded: what is in them is made when they are opened, by hand or by a link
  function make(details) {
    const template = details.querySelector(":scope > template");
    if (template) template.replaceWith(template.content);
  }
  for (const details of document.querySelectorAll("details.folded")) {
    details.addEventListener("toggle", () => details.open && make(details));
  }
  function follow() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.matches("details.folded")) return;
    make(target);
    target.open = true;
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", follow);
  follow();

  // -- layers: a scope's own are shown when its name is pressed
  function unfold(scope, open) {
    scope.querySelector("button").setAttribute("aria-expanded", String(open));
    for (const row of scope.querySelectorAll(".inner")) row.hidden = !open;
  }
  const scopes = [...document.querySelectorAll("tbody.scope")];
  for (const scope of scopes) {
    const button = scope.querySelector("button");
    button.addEventListener("click", () => unfold(scope, button.getAttribute("aria-expanded") === "false"));
  }
  const all = document.getElementById("unfold");
  if (all) {
    all.hidden = scopes.length === 0;
    all.addEventListener("click", () => {
      const open = scopes.some((scope) => scope.querySelector("button").getAttribute("aria-expanded") === "false");
      for (const scope of scopes) unfold(scope, open);
      all.textContent = open ? "Close all" : "Open all";
    });
  }

  // -- charts, once the page stands
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const options = { renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false } };
  window.chartsReady = new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
    .then(() => Promise.all(Object.entries(specs).map(([id, spec]) => vegaEmbed(`#chart-${id}`, spec, options))))
    .then((found) => found.length);

  // -- printing: what is folded would be lost, but for what fills pages
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("section.network details, .holders, .meanings")) details.open = true;
  });
})();
