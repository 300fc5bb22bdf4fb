import type { Context } from 'koa';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { languageUrls } from '../web/language-switch.ts';
import { localeOf } from '../web/locale.ts';
import type { Pages } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';
import { readTenantCookie, setTenantCookie } from './cookies.ts';

export interface TenantSelectionParts {
  readonly pages: Pages;
  readonly isSecure: boolean;
}

export interface TenantChoice {
  /** The tenants that may be chosen. */
  readonly tenants: readonly TenantDefinition[];
  /** The next URL of the browser. */
  readonly urlOf: (definition: TenantDefinition) => string;
  /** Parameters that say what the choice is for, kept in the addresses of the page. */
  readonly state?: string;
}

/** With more tenants than this the page has a search field. */
const searchFrom = 10;

/**
 * A single tenant is chosen without a page; with several a page asks and remembers the choice (cookie `tenant`).
 * `?tenant=` removes the choice, `?tenant=<id>` makes it.
 */
export const createTenantSelection =
  (parts: TenantSelectionParts) =>
  (ctx: Context, { tenants: served, urlOf, state }: TenantChoice): void => {
    const listed = served.filter((definition) => definition.listed);
    const only = served.length === 1 ? served[0] : undefined;
    const { tenant: asked, q } = ctx.query;
    const chosen = typeof asked === 'string' ? served.find(({ id }) => id === asked) : undefined;
    const remembered = readTenantCookie(ctx);
    if (only === undefined && asked !== undefined) setTenantCookie(ctx, chosen?.id, parts.isSecure);
    const again =
      asked === undefined && q === undefined ? served.find(({ id }) => id === remembered) : undefined;
    const decided = only ?? chosen ?? again;
    if (decided !== undefined) {
      ctx.status = 303;
      ctx.redirect(urlOf(decided));
      return;
    }

    const query = typeof q === 'string' ? q.slice(0, 100) : '';
    const locale = localeOf(ctx, 'en');
    const kept = state === undefined ? '' : `state=${encodeURIComponent(state)}`;
    sendPage(ctx, parts.pages, {
      name: 'select-tenant',
      model: {
        tenants: listed
          .filter(({ id, displayName }) => matches(query, id, displayName))
          .map(({ id, displayName, branding }) => ({
            id,
            displayName,
            url: `${ctx.path}?${kept === '' ? '' : `${kept}&`}tenant=${encodeURIComponent(id)}`,
            color: branding.color,
          })),
        query,
        showSearch: listed.length > searchFrom,
        allUrl: kept === '' ? ctx.path : `${ctx.path}?${kept}`,
        ...definedOnly({ state, remembered }),
      },
      look: { locale, languageUrls: languageUrls(ctx.originalUrl, locale) },
    });
  };

const matches = (query: string, ...names: readonly string[]): boolean => {
  const wanted = query.trim().toLowerCase();
  return names.some((name) => name.toLowerCase().includes(wanted));
};
