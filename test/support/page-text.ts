import { type Page, unescapeHtml } from './browser.ts';

/** What a person reads on the page, on one line. */
export const textOf = ({ body }: Pick<Page, 'body'>): string =>
  unescapeHtml(
    body
      .replace(/<\/?(?:bdi|code|em|span|strong)\b[^>]*>/g, '')
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' '),
  );
