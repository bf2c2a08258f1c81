/** Styles the card with the theme's colours and fonts. */

// Where the card is narrow.
const NARROW = `
  .line {
    grid-template-columns: 6em 6em minmax(0, 2fr) minmax(0, 1fr);
    padding-bottom: 4px;
  }
  .line .module { text-align: end; }
  .line .message { grid-column: 1 / -1; }
`;
const NARROWER = `
  .filters input, .filters select { flex-basis: 40%; }
`;

export const STYLES = `
:host { display: block; height: 100%; }
ha-card {
  container-type: inline-size;
  display: flex;
  flex-direction: column;
  height: 100%;
  overflow: hidden;
}
header {
  align-items: center;
  display: flex;
  gap: 4px;
  padding: 8px 8px 0 16px;
}
h2 {
  color: var(--ha-card-header-color, var(--primary-text-color));
  flex: 1;
  font-size: var(--ha-font-size-l, 16px);
  font-weight: var(--ha-font-weight-medium, 500);
  margin: 0;
  min-width: 0;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}
.status { color: var(--secondary-text-color); font-size: var(--ha-font-size-s, 12px); }
button { color: inherit; cursor: pointer; font: inherit; }
button:focus-visible, input:focus-visible, select:focus-visible {
  outline: 2px solid var(--primary-color);
  outline-offset: -2px;
}
.icon {
  background: none;
  border: 0;
  border-radius: 50%;
  color: var(--secondary-text-color);
  height: 40px;
  padding: 0;
  width: 40px;
}
.icon:hover { background: var(--secondary-background-color); }
.filters {
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
  padding: 8px 16px;
}
.filters input, .filters select {
  background: var(--card-background-color, #fff);
  border: 1px solid var(--divider-color);
  border-radius: 8px;
  box-sizing: border-box;
  color: var(--primary-text-color);
  flex: 1 1 110px;
  font: inherit;
  font-size: var(--ha-font-size-m, 14px);
  height: 36px;
  min-width: 0;
  padding: 0 8px;
}
.filters input { flex-grow: 2; }
.view { display: flex; flex: 1 1 360px; min-height: 0; position: relative; }
.logs {
  border-top: 1px solid var(--divider-color);
  contain: strict;
  flex: 1;
  font-size: var(--ha-font-size-s, 12px);
  line-height: 20px;
  overflow: auto;
  overflow-anchor: none;
  overscroll-behavior: contain;
  padding-bottom: 4px;
}
/* Room for the button, which would cover a log. */
.view:has(.newest:not([hidden])) .logs { padding-bottom: 56px; }
.row { contain: content; }
.day, .notice, .top, .empty {
  color: var(--secondary-text-color);
  padding: 4px 16px;
  text-align: center;
}
.notice { font-style: italic; }
.empty { left: 0; position: absolute; right: 0; top: 45%; }
.line {
  background: none;
  border: 0;
  border-inline-start: 4px solid transparent;
  color: var(--primary-text-color);
  column-gap: 8px;
  display: grid;
  grid-template-columns: 7em 7em minmax(0, 10em) minmax(0, 7em) minmax(0, 1fr);
  padding: 0 16px 0 12px;
  text-align: start;
  width: 100%;
}
.line:hover { background: var(--secondary-background-color); }
.line > * { overflow: hidden; text-overflow: ellipsis; unicode-bidi: isolate; white-space: pre; }
.line time, .line .device, .line .module { color: var(--secondary-text-color); }
.line time { font-variant-numeric: tabular-nums; }
.line .message { font-family: var(--ha-font-family-code, monospace); }
.line.unreadable .message { font-family: inherit; font-style: italic; }
.line[data-level=error] { --level-color: var(--error-color); }
.line[data-level=warn] { --level-color: var(--warning-color); }
.line[data-level=info] { --level-color: var(--info-color); }
.line[data-level=debug], .line[data-level=other] { --level-color: var(--secondary-text-color); }
.line { border-inline-start-color: var(--level-color); }
.line[data-level=error], .line[data-level=warn] {
  background: color-mix(in srgb, var(--level-color) 12%, transparent);
}
.details {
  background: var(--secondary-background-color);
  padding: 8px 16px;
}
.details dl {
  display: grid;
  gap: 2px 12px;
  grid-template-columns: max-content minmax(0, 1fr);
  margin: 0;
}
.details dt { color: var(--secondary-text-color); }
.details dd { margin: 0; }
.details bdi {
  display: block;
  font-family: var(--ha-font-family-code, monospace);
  overflow-wrap: anywhere;
  unicode-bidi: isolate;
  white-space: pre-wrap;
}
.details p { color: var(--secondary-text-color); margin: 4px 0 0; }
.text {
  background: none;
  border: 0;
  color: var(--primary-color);
  padding: 0;
}
.text[aria-disabled=true] { color: var(--disabled-text-color); cursor: default; }
.newest {
  background: var(--primary-color);
  border: 0;
  border-radius: 18px;
  bottom: 12px;
  box-shadow: 0 2px 6px rgba(0, 0, 0, 0.3);
  color: var(--text-primary-color, #fff);
  font-size: var(--ha-font-size-m, 14px);
  left: 50%;
  padding: 8px 16px;
  position: absolute;
  transform: translateX(-50%);
}
[hidden] { display: none !important; }
@container (max-width: 600px) {${NARROW}}
@container (max-width: 450px) {${NARROWER}}
/* Older browsers support the width of the window only. */
@supports not (container-type: inline-size) {
  @media (max-width: 600px) {${NARROW}}
  @media (max-width: 450px) {${NARROWER}}
}
`;
