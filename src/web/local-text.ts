import type { Locale, LocalText } from '../config/tenant/tenant-definition.ts';
import { locales } from './texts.ts';

/** A text of the tenant's file in the language of a page, or else in the first that there is. */
export const textIn = (text: LocalText, locale: Locale): string => {
  if (typeof text === 'string') return text;
  const found = [locale, ...locales].find((one) => text[one] !== undefined);
  return (found === undefined ? undefined : text[found]) ?? '';
};
