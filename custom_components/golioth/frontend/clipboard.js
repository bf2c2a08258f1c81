/** Copies text, also where Home Assistant is reached without TLS, and the browser has no clipboard for pages. */

/**
 * Copy a text.
 * @param root The document, or part of it, where an element may be put for a moment.
 * @returns Whether the browser has done it.
 */
export const copyText = async (text, root) => {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // It may still be allowed the old way.
    }
  }
  const focused = root.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  root.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
    focused?.focus({ preventScroll: true });
  }
};
