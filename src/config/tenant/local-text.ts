import { z } from 'zod';

/** One text for all languages, or one for each. */
export const localText = (text: () => z.ZodString) =>
  z.union(
    [
      text(),
      z
        .strictObject({ en: text().optional(), de: text().optional() })
        .refine((texts) => Object.keys(texts).length > 0, {
          error: 'is empty; write a text for at least one language, such as { en: … }',
        }),
    ],
    { error: 'is no text; write one, in quotes, or one for each language, such as { en: …, de: … }' },
  );
