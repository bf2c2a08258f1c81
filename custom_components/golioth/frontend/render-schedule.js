/** Renders with the next frame, at a limited rate. */

// Milliseconds between two renderings: nobody reads faster, and the page stays
// responsive in a storm.
const INTERVAL = 250;

export class RenderSchedule {
  /** @param {() => void} render */
  constructor(render) {
    this._render = render;
    this._renderedAt = 0;
    /** @type {number | undefined} */
    this._timer = undefined;
    /** @type {number | undefined} */
    this._frame = undefined;
  }

  /** Schedule a rendering. */
  request() {
    if (this._timer !== undefined || this._frame !== undefined) return;
    const wait = this._renderedAt + INTERVAL - performance.now();
    this._timer = setTimeout(
      () => {
        this._timer = undefined;
        this._frame = requestAnimationFrame(() => {
          this._frame = undefined;
          this._render();
        });
      },
      Math.max(0, wait),
    );
  }

  /** Record a rendering now, also an unscheduled one. */
  note() {
    this._renderedAt = performance.now();
  }

  /** Cancel the scheduled rendering. */
  stop() {
    clearTimeout(this._timer);
    if (this._frame !== undefined) cancelAnimationFrame(this._frame);
    this._timer = this._frame = undefined;
  }
}
