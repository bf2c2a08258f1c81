/** Renders with the next frame, but not too often. */

// In milliseconds between two renderings: in a storm, nobody reads faster, and the page
// has other things to do.
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

  /** Have it rendered soon. */
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

  /** Note that it is rendered now, whoever wanted that. */
  note() {
    this._renderedAt = performance.now();
  }

  /** Render nothing that was requested. */
  stop() {
    clearTimeout(this._timer);
    if (this._frame !== undefined) cancelAnimationFrame(this._frame);
    this._timer = this._frame = undefined;
  }
}
