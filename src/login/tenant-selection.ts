import type { Context } from 'koa';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { languageUrls } from '../web/language-switch.ts';
import { localeOf } from '../web/locale.ts';
import type { Pages } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';

export interface TenantSelectionParts {
  readonly pages: Pages;
  readonly isSecure: boolean;
}

export interface TenantChoice {
  /** All that may be chosen. */
  readonly tenants: readonly TenantDefinition[];
  /** Where the way goes on. */
  readonly urlOf: (definition: TenantDefinition) => string;
  /** What the choice is for, kept in the page's addresses. */
  readonly state?: string;
}

const yearMs = 365 * 24 * 3600 * 1000;
/** Beyond so many tenants the page has a search field. */
const searchFrom = 10;

/**
 * With one tenant nobody has to name it; with several a page asks and remembers (cookie `tenant`). `?tenant=` forgets
 * the choice, `?tenant=<id>` makes it.
 */
export const createTenantSelection =
  (parts: TenantSelectionParts) =>
  (ctx: Context, { tenants: served, urlOf, state }: TenantChoice): void => {
    const listed = served.filter((definition) => definition.listed);
    const only = served.length === 1 ? served[0] : undefined;
    const { tenant: asked, q } = ctx.query;
    const chosen = typeof asked === 'string' ? served.find(({ id }) => id === asked) : undefined;
    const remembered = ctx.cookies.get('tenant', { signed: false });
    if (only === undefined && asked !== undefined) remember(ctx, chosen?.id, parts.isSecure);
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

/** koa refuses a secure cookie when a proxy did the TLS, so the header is written here. */
const remember = (ctx: Context, id: string | undefined, isSecure: boolean): void => {
  const maxAge = id === undefined ? 0 : yearMs / 1000;
  ctx.append('Set-Cookie', [
    `tenant=${id ?? ''}; Path=/; Max-Age=${maxAge}; SameSite=Lax; HttpOnly${isSecure ? '; Secure' : ''}`,
  ]);
};
