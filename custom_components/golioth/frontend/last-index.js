/**
 * Return the index of the last matching item, or -1.
 *
 * For browsers without `findLastIndex`.
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => unknown} isWanted
 */
export const lastIndex = (items, isWanted) => {
  let index = items.length - 1;
  while (index >= 0 && !isWanted(items[index])) index -= 1;
  return index;
};
