"use strict";
// Draws charts when they come into view, filters, sorts, and lists the records behind a figure.
const charts = JSON.parse(document.getElementById("charts")?.textContent ?? "[]");
const dark = matchMedia("(prefers-color-scheme: dark)");
const chosen = {};  // the value of each filter by its name; "" means all
const figures = [...document.querySelectorAll(".chart")];
let printing = false;
const PAPER = 320;  // pixels of a chart on paper, of which two stand side by side on A4 and on Letter
// Each chart can be saved, drawn and vector, under the name of its heading.
const saving = figures.length && ["png", "svg"].map(format => ({
  name: `Save as ${format.toUpperCase()}`, icon: format === "png" ? Plotly.Icons.camera : Plotly.Icons.disk,
  click: chart => Plotly.downloadImage(chart, {
    format, scale: format === "png" ? 2 : 1, width: chart.clientWidth, height: chart.clientHeight,
    filename: `${chart.closest("section")?.dataset.task ?? ""} ${chart.closest("figure").querySelector("h3").textContent}`.trim(),
  }),
}));

// Whether an object with such properties passes all filters; properties that it lacks do not count.
function matches(properties) {
  return Object.entries(chosen).every(([key, value]) => !value || !(key in properties) || properties[key] === value);
}

function draw(element) {
  const spec = charts[element.dataset.chart];
  const shown = spec.data.filter(trace => !trace.meta || matches(trace.meta));
  const styles = getComputedStyle(document.documentElement);
  const ink = printing ? "#000" : styles.getPropertyValue("--ink").trim();
  const line = printing ? "#bbb" : styles.getPropertyValue("--line").trim();
  const axis = {gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true};
  const narrow = element.clientWidth < 360;
  const data = shown.map(trace => ({
    ...trace,
    ...(trace.error_x && {error_x: {...trace.error_x, color: ink, thickness: 1.5, width: 5}}),
    ...(narrow && typeof trace.y?.[0] === "string" && {y: trace.y.map(text => text.replace(/ (?=\S+$)/, "<br>"))}),
  }));
  // On a phone, each entry of the legend takes a line, and the layout has room for four.
  const entries = spec.layout.showlegend ? new Set(shown.map(trace => trace.name)).size : 0;
  const extraHeight = narrow ? 20 * Math.max(0, entries - 4) : 0;
  if (spec.layout.height) element.style.height = `${spec.layout.height + extraHeight}px`;
  const layout = {
    ...spec.layout,
    ...(spec.layout.height && {height: spec.layout.height + extraHeight}),
    xaxis: {...axis, ...spec.layout.xaxis}, yaxis: {...axis, ...spec.layout.yaxis},
    font: {color: ink, size: 12, family: "system-ui, sans-serif"},
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    ...(printing && {width: PAPER}),
    margin: {l: 10, r: 14, t: 8, b: spec.layout.showlegend ? 110 + extraHeight : 50}, hovermode: "closest",
  };
  element.dataset.drawn = "yes";
  Plotly.react(element, data, layout, {responsive: !printing, displayModeBar: !printing && "hover", displaylogo: false, modeBarButtons: [saving]});
  if (!element.dataset.clicks) {
    element.dataset.clicks = "yes";
    element.on("plotly_click", event => showRecords(element.closest("section"), event.points[0].data.meta));
  }
}

const visibility = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting && !entry.target.dataset.drawn) draw(entry.target);
}, {rootMargin: "300px"});
figures.forEach(element => visibility.observe(element));
// The observer reports a newly observed chart at once if it is in view, else when it comes into view.
const redraw = () => figures.forEach(element => {
  delete element.dataset.drawn;
  visibility.unobserve(element);
  visibility.observe(element);
});
dark.addEventListener("change", redraw);

addEventListener("beforeprint", () => {
  printing = true;
  if (document.body.classList.contains("whole")) {
    document.querySelectorAll("details:not(.records)").forEach(details => { details.open = true; });
  }
  figures.filter(element => element.checkVisibility()).forEach(draw);
});
addEventListener("afterprint", () => { printing = false; redraw(); });

document.querySelector("input[name=whole]")?.addEventListener("change", event => {
  document.body.classList.toggle("whole", event.target.checked);
});

// Filters. What they show is in the address, so that it can be sent.
const unsorted = [];  // what brings each table's rows back into their order
const selects = [...document.querySelectorAll(".filters select")];
selects.forEach(select => select.addEventListener("change", () => choose(select.name, select.value)));
document.querySelector(".filters button")?.addEventListener("click", () => {
  selects.forEach(select => { chosen[select.name] = ""; });
  unsorted.forEach(restore => restore());
  filter();
});
function choose(name, value) {
  chosen[name] = value;
  filter();
}
function remember() {
  const address = new URL(location);
  address.search = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value));
  if (address.href !== location.href) history.replaceState(null, "", address);
}
function recall() {
  const sent = new URLSearchParams(location.search);
  selects.forEach(select => {
    const value = sent.get(select.name);
    if ([...select.options].some(option => option.value === value)) chosen[select.name] = value;
  });
  if (Object.values(chosen).some(Boolean)) filter();
}

function filter() {
  selects.forEach(select => { select.value = chosen[select.name] ?? ""; });
  remember();
  // A headline is about all cells.
  const whole = !Object.values(chosen).some(Boolean);
  document.querySelectorAll(".headline").forEach(element => { element.hidden = !whole; });
  document.querySelectorAll(".heat [data-framework]").forEach(cell => { cell.hidden = !matches({framework: cell.dataset.framework}); });
  let tables = 0;
  document.querySelectorAll("section[data-task]").forEach(section => {
    let rows = 0;
    section.querySelectorAll("tr[data-cell]").forEach(row => {
      row.hidden = !matches(row.dataset);
      rows += !row.hidden;
    });
    section.hidden = !matches(section.dataset) || !rows;
    tables += !section.hidden;
    document.querySelectorAll(`[data-about="${section.id}"]`).forEach(element => { element.hidden = section.hidden; });
  });
  const maps = [...document.querySelectorAll(".map")];
  maps.forEach(map => {
    const rows = [...map.querySelectorAll("tbody tr")];
    map.hidden = rows.every(row => row.hidden);
    map.querySelector("tfoot").hidden = rows.some(row => row.hidden);  // the means of all tasks
  });
  // Each framework is shown in its fastest mode.
  document.getElementById("verdict").hidden = Boolean(chosen.mode) || maps.every(map => map.hidden);
  document.getElementById("none").hidden = tables > 0;
  redraw();
}
recall();

// Columns that have no room on a small screen
document.querySelectorAll("button.columns").forEach(button => button.addEventListener("click", () => {
  const all = button.nextElementSibling.classList.toggle("all");
  button.setAttribute("aria-pressed", all);
  button.textContent = all ? "fewer columns" : "all columns";
}));

// Sorting: figures by size, the best first, words alphabetically; rows without a value stay last.
document.querySelectorAll("table.sortable").forEach(table => {
  const headings = [...table.querySelectorAll("thead th")], rows = [...table.tBodies[0].rows];
  const forget = () => headings.forEach(heading => heading.removeAttribute("aria-sort"));
  unsorted.push(() => {
    forget();
    table.tBodies[0].append(...rows);
  });
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const first = heading.dataset.first ?? "ascending";
    const down = (heading.getAttribute("aria-sort") === first) !== (first === "descending");
    forget();
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => row.cells[column].dataset.sort;
    const number = text => text !== "" && !isNaN(text);
    const body = table.tBodies[0];
    [...body.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = number(x) && number(y) ? x - y : x.localeCompare(y);
      return down ? -order : order;
    }).forEach(row => body.append(row));
  }));
});

// Records: rows are made when the list is opened.
function fill(details) {
  const body = details.querySelector("tbody");
  if (body.rows.length) return;
  const {names, rows} = JSON.parse(details.querySelector("script").textContent);
  for (const [line, cell, ...rest] of rows) {
    const row = body.insertRow();
    row.dataset.of = cell;
    for (const value of [line, names[cell], ...rest]) {
      row.insertCell().textContent = typeof value === "number" ? value.toLocaleString("en", {maximumFractionDigits: 4}) : value;
    }
  }
}
document.querySelectorAll("details.records").forEach(details => details.addEventListener("toggle", () => fill(details)));

function showRecords(section, properties) {
  const keys = ["framework", "mode", "device", "tuning"];
  const rows = section ? [...section.querySelectorAll("tr[data-cell]")] : [];
  const row = properties && rows.find(candidate => keys.every(key => candidate.dataset[key] === properties[key]));
  if (row) openRecords(section, row.dataset.cell);
}
function openRecords(section, cell) {
  const details = section.querySelector("details.records");
  details.open = true;
  fill(details);
  details.querySelectorAll("tbody tr").forEach(row => row.classList.toggle("target", row.dataset.of === cell));
  details.querySelector("tr.target")?.scrollIntoView({block: "center"});
}
document.querySelectorAll("a[data-records]").forEach(link => link.addEventListener("click", event => {
  event.preventDefault();
  openRecords(link.closest("section"), link.dataset.records);
}));
