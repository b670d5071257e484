/** The editor's colours: the page's own variables, so that light and dark are one style. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const MONO = 'ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace';

const THEME = {
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--back)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" }, // the page shows it around the whole editor
  ".cm-scroller": { fontFamily: MONO, lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "4px 0" },
  ".cm-line": { paddingLeft: "calc(4ch + 4px)", textIndent: "-4ch" }, // what is wrapped stands behind where its line begins
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--soft)", color: "var(--faint)", border: "0" },
  ".cm-activeLine": { backgroundColor: "var(--active)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--active)", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection":
    { background: "var(--selected)" },
  ".cm-selectionMatch": { backgroundColor: "var(--match)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--match)", outline: "1px solid var(--faint)" },
  ".cm-foldPlaceholder": { background: "var(--soft)", color: "var(--faint)", border: "1px solid var(--line)" },
  ".cm-archlab-hint": {
    color: "var(--faint)", fontSize: "0.88em", paddingLeft: "1.6em", userSelect: "none", whiteSpace: "pre-wrap",
    cursor: "default", fontFamily: 'system-ui,-apple-system,"Segoe UI",sans-serif', fontVariantNumeric: "tabular-nums",
  },
  ".cm-archlab-lens": {
    color: "var(--faint)", fontSize: "0.88em", padding: "2px 6px 0", userSelect: "none", overflowWrap: "anywhere",
    fontFamily: 'system-ui,-apple-system,"Segoe UI",sans-serif', fontVariantNumeric: "tabular-nums",
  },
  "&.cm-stale .cm-archlab-hint, &.cm-stale .cm-archlab-lens, .cm-archlab-earlier": { fontStyle: "italic" },
  ".cm-archlab-earlier::before": { content: '"earlier: "' },
  ".cm-tooltip": {
    backgroundColor: "var(--back)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "4px",
    maxWidth: "min(38rem, calc(100vw - 2rem))",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: MONO, maxHeight: "16em" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--accent)", color: "var(--back)" },
  ".cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail": { color: "var(--back)" },
  ".cm-completionDetail": { color: "var(--faint)", fontStyle: "normal" },
  ".cm-completionIcon": { color: "inherit", opacity: "0.8" },
  ".cm-completionInfo": { backgroundColor: "var(--back)", border: "1px solid var(--line)" },
  ".cm-archlab-hover": { padding: "4px 10px", maxHeight: "22rem", overflow: "auto", fontSize: "13px" },
  ".cm-archlab-hover p, .cm-archlab-hover ul": { margin: "5px 0" },
  ".cm-archlab-hover ul": { paddingLeft: "1.2em" },
  ".cm-archlab-hover table": { borderCollapse: "collapse", margin: "5px 0" },
  ".cm-archlab-hover th, .cm-archlab-hover td": { borderBottom: "1px solid var(--line)", padding: "1px 8px 1px 0", textAlign: "left" },
  ".cm-archlab-hover code, .cm-archlab-hover pre": { fontFamily: MONO, fontSize: "12px", whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  ".cm-archlab-hover a": { color: "var(--accent)" },
  ".cm-diagnostic": { padding: "4px 8px", whiteSpace: "normal", overflowWrap: "anywhere" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--bad)" },
  ".cm-diagnostic-warning": { borderLeft: "4px solid var(--warn)" },
  ".cm-diagnostic-info": { borderLeft: "4px solid var(--accent)" },
  ".cm-diagnosticAction": {
    backgroundColor: "var(--accent)", color: "var(--back)", borderRadius: "4px", padding: "2px 8px", margin: "4px 6px 0 0", cursor: "pointer",
  },
  ".cm-archlab-related": { color: "var(--faint)", fontSize: "0.92em" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn)", textUnderlineOffset: "3px" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecoration: "underline dotted var(--accent)", textUnderlineOffset: "3px" },
  ".cm-panels": { backgroundColor: "var(--soft)", color: "var(--ink)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-textfield": { backgroundColor: "var(--back)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--back)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "4px" },
  ".cm-searchMatch": { backgroundColor: "var(--match)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--selected)", outline: "1px solid var(--accent)" },
  "a:focus-visible, button:focus-visible, .cm-tooltip :focus-visible": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
};

const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--number)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--faint)" },
  { tag: tags.keyword, color: "var(--number)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

export const highlight = syntaxHighlighting(HIGHLIGHT);
export const look = (dark: boolean) => EditorView.theme(THEME, { dark });
