import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { idSchema } from '../../web/api/api-schemas.ts';

const longestPage = 200;
const usualPage = 50;

/** Query parameters are text. */
export const limitParameter = z.coerce
  .number()
  .int()
  .min(1)
  .max(longestPage)
  .default(usualPage)
  .meta({ description: `At most ${longestPage}.` });

export const pageParameters = {
  after: idSchema.optional().meta({ description: '`next` of the page before.' }),
  limit: limitParameter,
} as const;

export const nextSchema = idSchema.optional().meta({ description: 'There may be more: send it as `after`.' });

/** @param idOf the cursor behind an item */
export const nextOf = <Item>(
  found: readonly Item[],
  limit: number,
  idOf: (item: Item) => string,
): { readonly next?: string } => {
  const last = found.at(-1);
  return definedOnly({ next: last === undefined || found.length < limit ? undefined : idOf(last) });
};
