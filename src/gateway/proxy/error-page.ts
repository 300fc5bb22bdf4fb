import { localeOf } from '../../web/locale.ts';
import type { Pages } from '../../web/pages.ts';
import type { ErrorPage } from './proxy-refusal.ts';

/** The path of our assets on the host of a service. */
const assetsBelow = '/.drawbridge';

/** Drawbridge's error page, in the language of the person who opened the service. */
export const createErrorPage =
  (pages: Pages): ErrorPage =>
  (problem, { headers }) => {
    const languages = headers['accept-language'] ?? '*';
    const locale = localeOf(
      {
        query: {},
        cookies: { get: () => undefined },
        acceptsLanguages: () => languages.split(',').map((tag) => (tag.split(';')[0] ?? '').trim()),
      },
      'en',
    );
    return pages.render('error', problem, { locale, assetsBelow });
  };
