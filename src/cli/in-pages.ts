/**
 * All items of a list, a page at a time.
 * @param read the page behind this item; the first page without one
 */
export async function* inPages<Item>(
  limit: number,
  read: (last: Item | undefined) => Promise<readonly Item[]>,
): AsyncIterable<Item> {
  let last: Item | undefined;
  for (;;) {
    const page = await read(last);
    yield* page;
    last = page.at(-1);
    if (page.length < limit) return;
  }
}
