/**
 * Return the index of the last item that a function takes, or -1. Not every browser has
 * `findLastIndex`.
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => unknown} isWanted
 */
export const lastIndex = (items, isWanted) => {
  let index = items.length - 1;
  while (index >= 0 && !isWanted(items[index])) index -= 1;
  return index;
};
